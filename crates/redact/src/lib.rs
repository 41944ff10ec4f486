//! What may be stored or shown. Pure.
