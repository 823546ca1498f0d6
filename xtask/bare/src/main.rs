//! Prints the results of this machine's portable kernels, the bits of each in a line.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

fn main() {
    for value in bare::results(Some("portable")) {
        println!("{:08x}", value.to_bits());
    }
}
