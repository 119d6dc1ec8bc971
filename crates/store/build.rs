//! Rebuilds the crate when a file is added to `migrations/`, which `sqlx::migrate!` embeds.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
