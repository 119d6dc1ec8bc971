//! The limit of open files (`RLIMIT_NOFILE`). Each connection is an open file. A process at its
//! limit can neither accept connections nor open files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::ServiceError;

/// Largest number of connections of the operations port.
pub(crate) const OPERATIONS_CONNECTIONS: usize = 64;
/// Open files that are not connections of clients: connections of operators, connections to
/// databases and other services, caches, and files of the runtime.
const RESERVED: usize = OPERATIONS_CONNECTIONS + 192;

/// Raises the soft limit to the hard limit. Many systems have a soft limit of 1,024, for old
/// programs that can't use more.
pub(crate) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(event = "open_files_not_raised", %error);
    }
}

/// Returns the number of connections that the limit of open files leaves room for: `wanted`, or
/// fewer.
pub(crate) fn fit_connections(wanted: usize) -> Result<usize, ServiceError> {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let open_files = limit.unwrap_or(usize::MAX);
    let connections = fit(wanted, open_files)?;
    if connections < wanted {
        tracing::warn!(
            event = "connections_lowered",
            connections,
            wanted,
            open_files,
            "the limit of open files is too low for MAX_CONNECTIONS: raise it, or lower MAX_CONNECTIONS"
        );
    }
    Ok(connections)
}

fn fit(wanted: usize, open_files: usize) -> Result<usize, ServiceError> {
    match open_files.saturating_sub(RESERVED) {
        0 => Err(ServiceError::OpenFiles {
            open_files,
            needed: RESERVED,
        }),
        room => Ok(room.min(wanted)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_lowered_to_the_open_files_that_are_left() {
        assert_eq!(fit(768, 1024).unwrap(), 768);
        assert_eq!(fit(769, 1024).unwrap(), 768);
        assert_eq!(fit(4096, usize::MAX).unwrap(), 4096);
        assert_eq!(fit(usize::MAX, RESERVED + 1).unwrap(), 1);
        let error = fit(1, RESERVED).unwrap_err().to_string();
        assert!(error.contains("only 256 open files"), "{error}");
    }
}
