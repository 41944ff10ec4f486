//! Development only: scripted servers on port 0.
