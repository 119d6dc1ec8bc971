//! Starts Postgres and Redis, prints the URL and the folder of each, and waits for a line on
//! standard input.

use bauta_dev_servers::{Postgres, Redis};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (postgres, redis) = (Postgres::start()?, Redis::start()?);
    println!("{} {}", postgres.url(), postgres.folder().display());
    println!("{} {}", redis.url(), redis.folder().display());
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}
