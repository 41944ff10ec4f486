//! What people read: terminal summaries of a verdict.
