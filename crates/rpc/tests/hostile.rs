//! Tests of the client against faulty nodes: unavailable, silent, too long, or with invalid
//! responses. A local socket plays the node.

use std::time::Duration;

use bauta_rpc::{CommitmentLevel, Options, Pubsub, Rpc, RpcError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const LIMITS: Options = Options {
    timeout: Duration::from_millis(300),
    max_response_bytes: 1000,
};

/// Starts a node that sends these bytes on every connection and then keeps the connection open.
/// Returns its address.
async fn faulty_node(response: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            assert!(length > 0, "the client sent no request");
            stream.write_all(response.as_bytes()).await.unwrap();
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

/// Returns the error of `getSlot` at a node that sends this response.
async fn slot_error(response: String) -> RpcError {
    let url = format!("http://{}/?api-key=secret", faulty_node(response).await);
    let rpc = Rpc::with_options(&url, LIMITS).unwrap();
    let error = rpc.slot(CommitmentLevel::Confirmed).await.unwrap_err();
    assert!(
        !format!("{error} {error:?}").contains("secret"),
        "the error shows the key: {error:?}"
    );
    error
}

#[tokio::test]
async fn the_error_of_an_unavailable_node_is_retryable_and_names_the_node() {
    // Port 1 (tcpmux) is reserved; nothing listens there.
    let rpc = Rpc::new("http://127.0.0.1:1/?api-key=secret").unwrap();
    let error = rpc.slot(CommitmentLevel::Confirmed).await.unwrap_err();
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_retryable(),
        "{error}"
    );
    assert!(
        error.to_string().contains("http://127.0.0.1:1 did not respond"),
        "{error}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn a_silent_node_is_a_timeout() {
    let error = slot_error(String::new()).await;
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_retryable(),
        "{error}"
    );
}

#[tokio::test]
async fn an_incomplete_body_is_a_timeout() {
    let whole = http("200 OK", "", r#"{"jsonrpc":"2.0","id":1,"result":7}"#);
    let error = slot_error(whole[..whole.len() - 5].to_owned()).await;
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_retryable(),
        "{error}"
    );
}

#[tokio::test]
async fn a_response_longer_than_the_limit_is_refused() {
    let error = slot_error(http("200 OK", "", &"x".repeat(1001))).await;
    assert!(
        matches!(error, RpcError::ResponseTooLong { limit: 1000, .. }),
        "{error}"
    );
    assert!(!error.is_retryable());
}

/// Many concurrent calls would otherwise hold much memory.
#[tokio::test]
async fn a_short_result_has_a_lower_limit_than_an_account() {
    let body = "x".repeat(17 << 10);
    let url = format!("http://{}", faulty_node(http("200 OK", "", &body)).await);
    let rpc = Rpc::new(&url).unwrap();
    let error = rpc.slot(CommitmentLevel::Confirmed).await.unwrap_err();
    assert!(
        matches!(error, RpcError::ResponseTooLong { limit: 16_384, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_rate_limit_is_retryable_and_carries_the_time_to_wait() {
    let error = slot_error(http("429 Too Many Requests", "retry-after: 7\r\n", "slow down")).await;
    assert!(error.is_retryable(), "{error}");
    let RpcError::Http { retry_after, .. } = error else {
        panic!("not an HTTP status: {error}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_forbidden_call_is_not_retryable() {
    let error = slot_error(http("403 Forbidden", "", "no such key")).await;
    assert!(!error.is_retryable());
    assert!(error.to_string().contains("403: no such key"), "{error}");
}

#[tokio::test]
async fn an_invalid_response_is_an_error_that_names_the_method() {
    for body in [
        "<html>",
        "[]",
        "7",
        r#"{"result":"seven"}"#,
        r#"{"result":null}"#,
        "{}",
    ] {
        let error = slot_error(http("200 OK", "", body)).await;
        assert!(
            matches!(
                error,
                RpcError::InvalidResponse {
                    method: "getSlot",
                    ..
                }
            ),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn a_silent_websocket_is_a_timeout() {
    let url = format!("ws://{}/?api-key=secret", faulty_node(String::new()).await);
    let error = Pubsub::with_options(&url, LIMITS)
        .unwrap()
        .slots()
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, RpcError::Unreachable { .. }) && error.is_retryable(),
        "{error}"
    );
    assert!(!error.to_string().contains("secret"), "{error}");
}

/// Calls a method four times with one request, at a node that sends this body.
async fn four_calls(body: &str) -> Result<Vec<Result<String, RpcError>>, RpcError> {
    let url = format!("http://{}", faulty_node(http("200 OK", "", body)).await);
    let rpc = Rpc::with_options(&url, LIMITS).unwrap();
    rpc.call_batch("getTransaction", &[(); 4].map(|()| serde_json::json!([])))
        .await
}

#[tokio::test]
async fn the_responses_to_several_calls_are_ordered_by_their_ids_and_fail_one_by_one() {
    let body = r#"[{"jsonrpc":"2.0","id":2,"result":"c"},{"jsonrpc":"2.0","id":0,"result":"a"},
        {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"internal error"}},
        {"jsonrpc":"2.0","id":77,"result":"not requested"}]"#;
    let results = four_calls(body).await.unwrap();
    assert_eq!(results.len(), 4);
    assert_eq!(results[0].as_deref().unwrap(), "a");
    assert!(matches!(results[1], Err(RpcError::Refused { .. })));
    assert_eq!(results[2].as_deref().unwrap(), "c");
    assert!(matches!(results[3], Err(RpcError::InvalidResponse { .. })));
}

#[tokio::test]
async fn a_node_that_refuses_several_calls_makes_the_whole_request_fail() {
    let refusal = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no batches"}}"#;
    let refused = four_calls(refusal).await.unwrap_err();
    assert!(matches!(refused, RpcError::Refused { .. }), "{refused}");
    for body in ["null", "[", "[1]", "{}", "not JSON"] {
        let error = four_calls(body).await.unwrap_err();
        assert!(
            matches!(error, RpcError::InvalidResponse { .. }),
            "{body}: {error}"
        );
    }
}

/// Starts a node whose block height stays, and which has no status of any transaction. Returns its
/// address.
async fn stalled_node() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let result = if request.contains("getBlockHeight") {
                "5"
            } else {
                r#"{"context":{"slot":5},"value":[null]}"#
            };
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
            let response = http("200 OK", "connection: close\r\n", &body);
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    address.to_string()
}

#[tokio::test]
async fn a_node_whose_block_height_stays_does_not_block_a_confirmation_for_ever() {
    let url = format!("http://{}", stalled_node().await);
    let rpc = Rpc::with_options(&url, LIMITS).unwrap();
    let signature = [7; 64].into();
    let confirm = rpc.confirm(&signature, 100);
    let result = tokio::time::timeout(Duration::from_mins(1), confirm).await;
    let error = result.expect("the wait has a limit").unwrap_err();
    assert!(matches!(error, RpcError::Stalled { .. }), "{error}");
    assert!(error.to_string().contains("does not grow"), "{error}");
}
