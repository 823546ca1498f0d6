//! Names, shapes and counts of a network, without computing it.
