//! The command line `pidinet`.

fn main() {}
