//! The life of a service.

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
    Health, HttpSettings, OperationsSettings, ServiceError, http,
    metrics::Metrics,
    operations::{self, Operations},
    server::{self, Bounds},
    spans::Export,
    telemetry,
};

/// How often histograms are tidied.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long the last answer to operators may take.
const LAST_FIGURES: Duration = Duration::from_secs(1);
/// What the port for operators may take.
const OPERATORS: HttpSettings = HttpSettings {
    host: std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED),
    max_body_bytes: 1024,
    request_timeout_ms: 10_000,
    client_timeout_ms: 10_000,
    max_concurrent_requests: 64,
    max_connections: 64,
};

/// A running service: its tasks, its checks, its end.
pub struct Service {
    name: &'static str,
    operations: Operations,
    tasks: TaskTracker,
    /// The port for operators, which is open until everything else has ended.
    watch: (TaskTracker, CancellationToken),
    failure: Arc<Mutex<Option<ServiceError>>>,
    patience: Duration,
    spans: Option<Export>,
}

impl Service {
    /// Starts logs and metrics, waits for SIGTERM and SIGINT from now on, and opens the port for operators
    /// (`/metrics`, `/health`, `/ready`).
    pub async fn start(
        name: &'static str,
        version: &'static str,
        settings: &OperationsSettings,
    ) -> Result<Self, ServiceError> {
        let spans = telemetry::start(name, settings)?;
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
            watch: (TaskTracker::new(), CancellationToken::new()),
            failure: Arc::default(),
            patience: Duration::from_millis(settings.shutdown_timeout_ms),
            spans,
        };
        service.wait_for_signals()?;
        service.keep_metrics();
        let address = SocketAddr::new(settings.metrics_host, settings.metrics_port);
        let routes = operations::all(service.operations.clone());
        let (watch, end) = &service.watch;
        let address = listen(address, routes, &OPERATORS, watch, end.clone()).await?;
        tracing::info!(event = "started", version, metrics = %address);
        Ok(service)
    }

    /// The checks of `/ready`.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.operations.health
    }

    /// Cancelled when the service is to end. Tasks watch it, and end when what they hold is safe. Cancelling it ends the service.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.operations.shutdown.clone()
    }

    /// Runs a task that the service needs. If it fails or panics, the service ends with its error.
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

    /// Serves routes, with `/metrics` and `/ready` beside them, behind request ids, metrics and limits. Returns the address, whose port
    /// is a free one if `port` is 0.
    pub async fn serve(
        &self,
        port: u16,
        routes: Router,
        settings: &HttpSettings,
    ) -> Result<SocketAddr, ServiceError> {
        let routes = routes.merge(operations::shared(self.operations.clone()));
        let address = SocketAddr::new(settings.host, port);
        let address = listen(address, routes, settings, &self.tasks, self.shutdown()).await?;
        tracing::info!(event = "listening", %address);
        Ok(address)
    }

    /// Waits for a signal or a failed task, then lets all that runs come to its end.
    pub async fn run(self) -> Result<(), ServiceError> {
        self.operations.shutdown.cancelled().await;
        tracing::info!(event = "ending", service = self.name);
        self.tasks.close();
        let ended = tokio::time::timeout(self.patience, self.tasks.wait()).await;
        let (watch, end) = &self.watch;
        watch.close();
        end.cancel();
        // Whoever asks for figures in this moment may have them.
        let _ = tokio::time::timeout(LAST_FIGURES, watch.wait()).await;
        if let Some(spans) = self.spans {
            spans.end().await;
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (failure, ended) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(ServiceError::CutOff {
                tasks: self.tasks.len(),
                seconds: self.patience.as_secs(),
            }),
            (None, Ok(())) => {
                tracing::info!(event = "ended");
                Ok(())
            }
        }
    }

    fn wait_for_signals(&self) -> Result<(), ServiceError> {
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

    fn keep_metrics(&self) {
        let (metrics, shutdown) = (self.operations.metrics.clone(), self.shutdown());
        self.tasks.spawn(async move {
            while !shutdown.is_cancelled() {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(UPKEEP) => metrics.upkeep(),
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
    let bounds = Bounds {
        connections: settings.max_connections,
        client_timeout: Duration::from_millis(settings.client_timeout_ms),
    };
    let router = http::with_layers(routes, settings);
    tasks.spawn(server::serve(listener, router, bounds, shutdown));
    Ok(bound)
}
