//! Writing edge maps.
