//! Nodes that misbehave: away, silent, endless, or answering something else. A socket of our own plays them.

use std::time::Duration;

use bauta_rpc::{Commitment, Options, Pubsub, Rpc, RpcError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const LIMITS: Options = Options {
    timeout: Duration::from_millis(300),
    max_response_bytes: 1000,
};

/// Answers every connection with these bytes, then keeps it open and says no more.
async fn node(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            assert!(length > 0, "a request");
            stream.write_all(answer.as_bytes()).await.unwrap();
            open.push(stream);
        }
    });
    address.to_string()
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}

async fn slot(answer: String) -> RpcError {
    let url = format!("http://{}/?api-key=secret", node(answer).await);
    let rpc = Rpc::with_options(&url, LIMITS).unwrap();
    let error = rpc.slot(Commitment::Confirmed).await.unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("secret"),
        "it shows the key: {error:?}"
    );
    error
}

#[tokio::test]
async fn a_node_that_is_away_is_named_and_transient() {
    // Port 1 (tcpmux) is reserved; nothing listens there.
    let rpc = Rpc::new("http://127.0.0.1:1/?api-key=secret").unwrap();
    let error = rpc.slot(Commitment::Confirmed).await.unwrap_err();
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_transient(),
        "{error}"
    );
    assert!(error.to_string().contains("http://127.0.0.1:1: "), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_node_that_says_nothing_is_given_up_in_time() {
    let error = slot(String::new()).await;
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_transient(),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_given_up_in_time() {
    let whole = http("200 OK", "", r#"{"jsonrpc":"2.0","id":1,"result":7}"#);
    let error = slot(whole[..whole.len() - 5].to_owned()).await;
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_transient(),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_past_the_limit_is_not_taken() {
    let error = slot(http("200 OK", "", &"x".repeat(1001))).await;
    assert!(matches!(error, RpcError::TooLong { limit: 1000, .. }), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_again() {
    let error = slot(http("429 Too Many Requests", "retry-after: 7\r\n", "slow down")).await;
    assert!(error.is_transient(), "{error}");
    let RpcError::Http { retry_after, .. } = error else {
        panic!("HTTP's status: {error}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_forbidden_call_is_permanent() {
    let error = slot(http("403 Forbidden", "", "no such key")).await;
    assert!(!error.is_transient());
    assert!(error.to_string().contains("403: no such key"), "{error}");
}

#[tokio::test]
async fn an_answer_of_another_kind_is_an_error_that_names_the_method() {
    for body in [
        "<html>",
        "[]",
        "7",
        r#"{"result":"seven"}"#,
        r#"{"result":null}"#,
        "{}",
    ] {
        let error = slot(http("200 OK", "", body)).await;
        assert!(
            matches!(
                error,
                RpcError::Answer {
                    method: "getSlot",
                    ..
                }
            ),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn a_websocket_that_does_not_answer_is_given_up_in_time() {
    let url = format!("ws://{}/?api-key=secret", node(String::new()).await);
    let error = Pubsub::with_options(&url, LIMITS)
        .unwrap()
        .slots()
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_transient(),
        "{error}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
}
