//! The life cycle of a service.

use std::{
    fmt::Display,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::Router;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Health, HttpSettings, OperationsSettings, ServiceError, TrustedProxies,
    address_limit::AddressLimit,
    http,
    metrics::Metrics,
    open_files::{self, OPERATIONS_CONNECTIONS},
    operations::{self, Operations},
    server::{self, ConnectionLimits},
    spans::SpanExporter,
    telemetry,
};

/// Interval at which histograms are compacted.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);
/// Time for a last running request to the operations port at the end.
const LAST_REQUEST_TIMEOUT: Duration = Duration::from_secs(1);
/// Limits of the operations port.
const OPERATIONS_HTTP: HttpSettings = HttpSettings {
    host: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    max_body_bytes: 1024,
    request_timeout_ms: 10_000,
    client_timeout_ms: 10_000,
    max_concurrent_requests: 64,
    max_connections: OPERATIONS_CONNECTIONS,
    // So that one address can't prevent the health checks of others.
    max_connections_per_address: OPERATIONS_CONNECTIONS / 4,
    trusted_proxies: Vec::new(),
    allowed_origins: Vec::new(),
};

/// A running service: its tasks, its checks and its shutdown.
pub struct Service {
    name: &'static str,
    operations: Operations,
    tasks: TaskTracker,
    operations_port: OperationsPort,
    failure: Arc<Mutex<Option<ServiceError>>>,
    shutdown_timeout: Duration,
    metrics_on_service_port: bool,
    spans: Option<SpanExporter>,
}

/// The operations port. It stays open until all other work has ended.
#[derive(Default)]
struct OperationsPort {
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Service {
    /// Starts logs and metrics, raises the limit of open files to the largest that this process may
    /// have, installs handlers for SIGTERM and SIGINT, and opens the operations
    /// port (`/metrics`, `/health`, `/ready`).
    pub async fn start(
        name: &'static str,
        version: &'static str,
        settings: &OperationsSettings,
    ) -> Result<Self, ServiceError> {
        let spans = telemetry::start(name, settings)?;
        open_files::raise_limit();
        let service = Self {
            name,
            operations: Operations {
                health: Health::default(),
                metrics: Metrics::install(),
                shutdown: CancellationToken::new(),
                version,
                started: Instant::now(),
            },
            tasks: TaskTracker::new(),
            operations_port: OperationsPort::default(),
            failure: Arc::default(),
            shutdown_timeout: Duration::from_millis(settings.shutdown_timeout_ms),
            metrics_on_service_port: settings.metrics_on_service_port,
            spans,
        };
        service.spawn_signal_handler()?;
        service.spawn_metrics_upkeep();
        let address = SocketAddr::new(settings.metrics_host, settings.metrics_port);
        let routes = operations::routes(service.operations.clone());
        let OperationsPort { tasks, shutdown } = &service.operations_port;
        let address = listen(address, routes, &OPERATIONS_HTTP, tasks, shutdown.clone()).await?;
        tracing::info!(event = "started", version, metrics = %address);
        Ok(service)
    }

    /// Returns the checks of `/ready`.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.operations.health
    }

    /// Returns a token that is cancelled when the service shuts down. Tasks watch it and stop at
    /// the next point where no work is lost. Cancelling the token shuts the service down.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.operations.shutdown.clone()
    }

    /// Runs a task that the service can't work without. If the task fails or panics, the service
    /// shuts down and returns the error.
    pub fn spawn<E>(&self, task: &'static str, work: impl Future<Output = Result<(), E>> + Send + 'static)
    where
        E: Display + Send + 'static,
    {
        let (shutdown, failure) = (self.shutdown(), self.failure.clone());
        self.tasks.spawn(async move {
            let reason = match tokio::spawn(work).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it panicked".to_owned(),
            };
            tracing::error!(event = "task_failed", task, reason);
            failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(ServiceError::Task { task, reason });
            shutdown.cancel();
        });
    }

    /// Returns the route `/metrics` if the settings enable it on the service's own port
    /// (`METRICS_ON_SERVICE_PORT`), and otherwise no route. The service merges it with its own
    /// routes, so that its rate limits apply.
    pub fn metrics_route(&self) -> Router {
        if self.metrics_on_service_port {
            operations::metrics_route(self.operations.clone())
        } else {
            Router::new()
        }
    }

    /// Serves the routes with request ids, metrics and limits. Returns the address. If `port` is 0,
    /// the operating system chooses a free port. Use [`with_fallbacks`](crate::with_fallbacks)
    /// first.
    ///
    /// # Errors
    /// Returns [`ServiceError::OpenFiles`] if the limit of open files leaves no room for
    /// connections, and [`ServiceError::Listen`] if the port can't be opened.
    pub async fn serve(
        &self,
        port: u16,
        routes: Router,
        settings: &HttpSettings,
    ) -> Result<SocketAddr, ServiceError> {
        let address = SocketAddr::new(settings.host, port);
        let address = listen(address, routes, settings, &self.tasks, self.shutdown()).await?;
        tracing::info!(event = "listening", %address);
        Ok(address)
    }

    /// Waits for a signal or a failed task, then waits until running work has ended.
    ///
    /// # Errors
    /// Returns the error of the failed task, or [`ServiceError::ShutdownTimeout`] if work was still
    /// running at the end of the shutdown timeout.
    pub async fn run(self) -> Result<(), ServiceError> {
        self.operations.shutdown.cancelled().await;
        tracing::info!(event = "ending", service = self.name);
        self.tasks.close();
        let ended = tokio::time::timeout(self.shutdown_timeout, self.tasks.wait()).await;
        let OperationsPort { tasks, shutdown } = &self.operations_port;
        tasks.close();
        shutdown.cancel();
        // A scrape that is running now still gets its response.
        let _ = tokio::time::timeout(LAST_REQUEST_TIMEOUT, tasks.wait()).await;
        if let Some(spans) = self.spans {
            spans.shutdown().await;
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (failure, ended) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(ServiceError::ShutdownTimeout {
                tasks: self.tasks.len(),
                seconds: self.shutdown_timeout.as_secs(),
            }),
            (None, Ok(())) => {
                tracing::info!(event = "ended");
                Ok(())
            }
        }
    }

    fn spawn_signal_handler(&self) -> Result<(), ServiceError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServiceError::Signals)?;
        let shutdown = self.shutdown();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            shutdown.cancel();
        });
        Ok(())
    }

    fn spawn_metrics_upkeep(&self) {
        let (metrics, shutdown) = (self.operations.metrics.clone(), self.shutdown());
        self.tasks.spawn(async move {
            while !shutdown.is_cancelled() {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(METRICS_UPKEEP) => metrics.run_upkeep(),
                }
            }
        });
    }
}

async fn listen(
    address: SocketAddr,
    routes: Router,
    settings: &HttpSettings,
    tasks: &TaskTracker,
    shutdown: CancellationToken,
) -> Result<SocketAddr, ServiceError> {
    let failed = |error| ServiceError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let limits = ConnectionLimits {
        connections: open_files::fit_connections(settings.max_connections)?,
        by_address: AddressLimit::new(
            settings.max_connections_per_address,
            TrustedProxies::new(settings.trusted_proxies.clone()),
        ),
        client_timeout: Duration::from_millis(settings.client_timeout_ms),
    };
    let router = http::with_layers(routes, settings);
    tasks.spawn(server::serve(listener, router, limits, shutdown));
    Ok(bound)
}
