//! Project tasks: demo, test, bench, program build.

fn main() {}
