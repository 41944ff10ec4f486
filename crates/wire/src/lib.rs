//! Codecs without IO: HTTP/1.
