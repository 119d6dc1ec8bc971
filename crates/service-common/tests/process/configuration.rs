//! Settings: their sources, their validation, and the secrecy of their values.

use crate::common::{PASSWORD, Running, command, file, refusal, text};

#[test]
fn the_environment_overrides_the_file_and_the_file_overrides_defaults() {
    let (_folder, path) = file("port = 1\n[http]\nmax_body_bytes = 2048\nmax_connections = 7\n");
    let output = command()
        .arg("--config")
        .arg(path)
        // The last value is invalid, so the process exits after it has printed its settings.
        .envs([("MAX_BODY_BYTES", "4096"), ("RUST_LOG", "a=b=c")])
        .output()
        .unwrap();
    let text = text(&output);
    assert!(text.contains("max_body_bytes: 4096"), "{text}");
    assert!(text.contains("max_connections: 7"), "{text}");
    assert!(text.contains("request_timeout_ms: 60000"), "{text}");
    assert!(text.contains("log (RUST_LOG) isn't a filter"), "{text}");
}

#[test]
fn secrets_are_never_printed() {
    let (_folder, path) = file("password = \"from-the-file\"\nport = [");
    let output = command().arg("--config").arg(path).output().unwrap();
    assert!(text(&output).contains("line 2"), "{}", text(&output));
    for wrong in [
        "password = [\"from-the-file\"]",
        "password = \"from-the-file\"\nport = \"x\"",
    ] {
        let text = refusal(wrong, &[]);
        assert!(!text.contains("from-the-file"), "{text}");
    }
    let text = refusal("password = 4711", &[]);
    assert!(text.contains("password") && !text.contains("4711"), "{text}");
    let (_, log) = {
        let running = Running::start(&[]);
        running.terminate();
        running.wait()
    };
    assert!(log.contains("[secret]"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn an_invalid_setting_is_refused_with_its_key_and_rule() {
    for (file, environment, expected) in [
        ("prot = 3001", vec![], vec!["prot: unknown key", "port"]),
        (
            "[http]\nmax_body = 1",
            vec![],
            vec!["http.max_body: unknown key", "max_body_bytes"],
        ),
        (
            "[http]\nmax_body_bytes = 10",
            vec![],
            vec!["http.max_body_bytes", "must be at least 1024"],
        ),
        ("port = 70000", vec![], vec!["port", "u16"]),
        (
            "",
            vec![("PORT", "seventy")],
            vec!["port`", "`PORT`", "invalid digit"],
        ),
        (
            "",
            vec![("MAX_BODY_BYTES", "10")],
            vec!["MAX_BODY_BYTES", "must be at least 1024"],
        ),
        (
            "[operations]\nlog_format = \"xml\"",
            vec![],
            vec!["operations.log_format", "`json`"],
        ),
    ] {
        let text = refusal(file, &environment);
        for part in expected {
            assert!(
                text.contains(part),
                "{file} {environment:?}: {part} isn't in: {text}"
            );
        }
    }
    let output = command().env_remove("PASSWORD").output().unwrap();
    assert!(text(&output).contains("missing: 'password'"), "{}", text(&output));
}

#[test]
fn print_config_documents_every_key_and_prints_a_valid_configuration() {
    let output = command().arg("--print-config").output().unwrap();
    let printed = text(&output);
    for part in [
        "PORT",
        "http.max_body_bytes".rsplit('.').next().unwrap(),
        "RUST_LOG",
        "PASSWORD",
        "Largest request body",
    ] {
        assert!(printed.contains(part), "{part} isn't in: {printed}");
    }
    // Every key is commented out. The file must be accepted: only RUST_LOG is refused.
    let (_folder, path) = file(&printed.replace("#password =", "password = \"12345678\""));
    let output = command()
        .arg("--config")
        .arg(path)
        .env("RUST_LOG", "a=b=c")
        .output()
        .unwrap();
    assert!(text(&output).contains("RUST_LOG"), "{}", text(&output));
}

#[test]
fn a_secret_can_be_read_from_a_file() {
    let (_folder, path) = file("from-a-file-of-its-own\n");
    // An invalid RUST_LOG makes the process exit after it has printed its settings.
    let start = |more: &[(&str, &str)]| {
        let mut command = command();
        command.env_remove("PASSWORD").env("PASSWORD_FILE", &path);
        text(
            &command
                .envs(more.iter().copied())
                .env("RUST_LOG", "a=b=c")
                .output()
                .unwrap(),
        )
    };
    let printed = start(&[]);
    assert!(
        printed.contains("[secret]") && printed.contains("RUST_LOG"),
        "{printed}"
    );
    assert!(!printed.contains("from-a-file"), "{printed}");
    let both = start(&[("PASSWORD", "another")]);
    assert!(both.contains("PASSWORD and PASSWORD_FILE are both set"), "{both}");
    let missing = command()
        .env_remove("PASSWORD")
        .env("PASSWORD_FILE", "/nowhere/password")
        .output()
        .unwrap();
    assert!(text(&missing).contains("/nowhere/password"), "{}", text(&missing));
    // The line break isn't part of the secret. With it, the password would be long enough.
    let (_folder, short) = file("1234567\n");
    let environment = [("PASSWORD", ""), ("PASSWORD_FILE", short.to_str().unwrap())];
    let running = Running::start(&environment);
    let ready = self::ready(&running);
    assert!(ready.contains("shorter than 8 characters"), "{ready}");
}

/// Returns the response of `/ready`.
fn ready(running: &Running) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(running.metrics).unwrap();
    stream
        .write_all(b"GET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn print_config_shows_where_a_key_is_set_and_never_its_value() {
    let (_folder, path) = file("[http]\nmax_body_bytes = 4711\n");
    let output = command()
        .args(["--print-config", "--config"])
        .arg(&path)
        .env("OTLP_ENDPOINT_FILE", "/run/secrets/otlp")
        .env("CLIENT_TIMEOUT_MS", "4712")
        .output()
        .unwrap();
    assert!(output.status.success());
    let printed = text(&output);
    let comment = |key: &str| {
        let before = printed.split_once(&format!("\n#{key} =")).unwrap().0;
        before.rsplit_once("\n\n").unwrap().1
    };
    for (key, expected) in [
        ("password", "# Currently set by PASSWORD in the environment."),
        ("max_body_bytes", "# Currently set by the configuration file."),
        (
            "client_timeout_ms",
            "# Currently set by CLIENT_TIMEOUT_MS in the environment.",
        ),
        (
            "otlp_endpoint",
            "# Currently set by OTLP_ENDPOINT_FILE in the environment: /run/secrets/otlp.",
        ),
    ] {
        assert!(comment(key).contains(expected), "{key}: {printed}");
    }
    assert!(!comment("max_connections").contains("Currently set"), "{printed}");
    for value in [PASSWORD, "4711", "4712"] {
        assert!(!printed.contains(value), "{value} is in: {printed}");
    }
}
