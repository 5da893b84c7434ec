//! A command that arrives as a line of a batch: it goes through the same routes and handlers as a request of its own.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service as _, ServiceFactory};
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::uri::PathAndQuery;
use actix_web::http::{Method, Uri};
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::around::allowed_methods;
use super::auth::Caller;
use super::problem::Problem;
use crate::kernel::problem_codes::{INTERNAL, METHOD_NOT_ALLOWED, NOT_FOUND};
use crate::kernel::{Fault, Refusal, Text};

/// What a line says, on its way to the handler.
pub(super) struct Line {
    pub caller: Caller,
    pub key: Option<String>,
    pub body: Value,
}

impl Line {
    /// The caller, when this request is a line.
    pub fn caller(request: &HttpRequest) -> Option<Caller> {
        request.extensions().get::<Self>().map(|line| line.caller.clone())
    }

    /// The line, when this request is one.
    pub fn take(request: &HttpRequest) -> Option<Self> {
        let mut extensions = request.extensions_mut();
        let line = extensions.get_mut::<Self>()?;
        Some(Self { caller: line.caller.clone(), key: line.key.take(), body: line.body.take() })
    }
}

/// The methods by which commands are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandMethod {
    /// Creates something, or adds to its life.
    Post,
    /// Amends.
    Patch,
}

impl CommandMethod {
    /// The one with this name.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "POST" => Some(Self::Post),
            "PATCH" => Some(Self::Patch),
            _ => None,
        }
    }
}

/// A command of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct LineCommand {
    /// How it is sent.
    pub method: CommandMethod,
    /// The whole path, `/v1/…`.
    pub path: String,
    /// Its Idempotency-Key.
    pub key: Option<String>,
    /// Its body, an object.
    pub body: Value,
}

/// What a handler answered.
#[derive(Debug)]
pub struct LineAnswer {
    /// Whether it is the first answer to a repeated key.
    pub replayed: bool,
    /// What came of it.
    pub result: Result<Recorded, Problem>,
}

impl LineAnswer {
    /// A refusal.
    pub fn refused(problem: impl Into<Problem>) -> Self {
        Self { replayed: false, result: Err(problem.into()) }
    }
}

/// What was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Whether the resource was created.
    pub created: bool,
    /// Whether it was so already.
    pub unchanged: bool,
    /// The resource.
    pub id: String,
    /// Its version.
    pub version: i64,
    /// Position of its last event.
    pub position: i64,
    /// What cannot be read later, such as a key that is shown once.
    pub answer: Option<Value>,
}

/// A line on its way through its handler.
pub type Answering = LocalBoxFuture<'static, LineAnswer>;

type Call = Rc<dyn Fn(Request) -> Answering>;

/// The routes that lines are sent through, in this process; one for each worker, made when first used.
pub struct Routes {
    make: Box<dyn Fn() -> LocalBoxFuture<'static, Option<Call>>>,
    made: OnceCell<Call>,
}

impl Routes {
    /// Routes of an application.
    pub fn new<F, A, S, B>(app: F) -> Self
    where
        F: Fn() -> A + 'static,
        A: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>, Error = Error> + 'static,
        B: MessageBody + 'static,
    {
        let make = move || -> LocalBoxFuture<'static, Option<Call>> {
            let made = app().into_factory().new_service(AppConfig::default());
            Box::pin(async move {
                let service = made.await.ok()?;
                let call: Call = Rc::new(move |request| {
                    let answering = service.call(request);
                    Box::pin(async move { answer_of(answering.await).await })
                });
                Some(call)
            })
        };
        Self { make: Box::new(make), made: OnceCell::new() }
    }

    /// Makes the routes ready for [`Routes::begin`].
    ///
    /// # Errors
    /// `internal` when they cannot be made.
    pub async fn ready(&self) -> Result<(), Problem> {
        if self.made.get().is_none() {
            let call = (self.make)().await.ok_or_else(|| Problem::of(&INTERNAL))?;
            let _ = self.made.set(call);
        }
        Ok(())
    }

    /// Sends a command to its handler. Nothing happens before the answer is polled.
    pub fn begin(&self, command: LineCommand, caller: &Caller) -> Answering {
        let path = PathAndQuery::try_from(command.path.as_str()).ok();
        let uri = path.filter(|path| path.query().is_none()).map(Uri::from);
        let (Some(uri), Some(call)) = (uri, self.made.get()) else {
            return Box::pin(std::future::ready(LineAnswer::refused(unknown_path())));
        };
        let mut request = Request::new();
        let head = request.head_mut();
        head.method = match command.method {
            CommandMethod::Post => Method::POST,
            CommandMethod::Patch => Method::PATCH,
        };
        head.uri = uri;
        request.extensions_mut().insert(Line { caller: caller.clone(), key: command.key, body: command.body });
        call(request)
    }
}

/// A caller whose commands are gathered.
pub fn gathering_caller(caller: &Caller) -> (Caller, Arc<super::gathering::Gathering>) {
    let gathering = Arc::new(super::gathering::Gathering::default());
    let service = super::service::Service { gathering: Some(gathering.clone()), ..(**caller.service).clone() };
    (Caller { service: actix_web::web::Data::new(service), ..caller.clone() }, gathering)
}

fn unknown_path() -> Problem {
    let why = Text::fixed(
        "Tidak ada perintah pada alamat ini; tulis alamat seperti dalam /openapi.json, tanpa kueri.",
        "There is no command at this path; write the path as in /openapi.json, without a query.",
    );
    let mut refusal = Refusal::new(&NOT_FOUND, why.clone());
    refusal.faults.push(Fault::new("/path", "unknown_path", why));
    refusal.into()
}

/// Answers a line that no route takes. `commands` are path templates with the methods of their commands.
pub fn no_such_command(commands: &[(String, Vec<&'static str>)], request: &HttpRequest) -> HttpResponse {
    let allowed = allowed_methods(commands, request.path());
    if allowed.is_empty() {
        return unknown_path().error_response();
    }
    let list = allowed.join(", ");
    let why = text!("Perintah pada alamat ini dikirim dengan {list}.", "A command at this path is sent by {list}.");
    let mut refusal = Refusal::new(&METHOD_NOT_ALLOWED, why.clone()).with("allowed", allowed);
    refusal.faults.push(Fault::new("/method", "method_not_allowed", why));
    Problem::from(refusal).error_response()
}

/// Reads the answer from what a client would get.
async fn answer_of<B: MessageBody + 'static>(response: Result<ServiceResponse<B>, Error>) -> LineAnswer {
    let response = match response {
        Ok(response) => response.into_parts().1.map_into_boxed_body(),
        Err(error) => error.error_response(),
    };
    let replayed = response.headers().contains_key("idempotent-replayed");
    let problem = response.extensions().get::<Problem>().cloned();
    if let Some(problem) = problem {
        return LineAnswer { replayed, result: Err(problem) };
    }
    if !response.status().is_success() {
        return LineAnswer::refused(Problem::of(&INTERNAL));
    }
    let created = response.status().as_u16() == 201;
    let text = |name: &header::HeaderName| header_text(response.headers(), name);
    let id = text(&header::LOCATION).rsplit('/').next().unwrap_or_default().to_owned();
    let version = text(&header::ETAG).trim_matches('"').parse().unwrap_or_default();
    let position = text(&LOG_POSITION).parse().unwrap_or_default();
    let body = to_bytes(response.into_body()).await.unwrap_or_default();
    let answer = serde_json::from_slice(&body).ok();
    LineAnswer { replayed, result: Ok(Recorded { created, unchanged: false, id, version, position, answer }) }
}

const LOG_POSITION: header::HeaderName = header::HeaderName::from_static("log-position");

fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
