//! A provider for chat completions that breaks one promise.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use openai_wire::{Plain, error, models};
use provider_conformance::At;
use provider_core::author::{ResponseHead, parse_duration};
use provider_core::{
    Catalogue, ChatRequest, ChatResponse, ChatStream, ConfigValues, ConnectionReport, Error, ErrorKind,
    LlmProvider, ProviderDescriptor, RetryAdvice,
};
use provider_http::{BodyFormat, Endpoint, HttpClient, HttpLimits, RequestBuilder, settings};

use crate::decoder::{Miscutting, Misreading};
use crate::errors::remade;
use crate::fault::Fault;
use crate::forward::{Fails, Forward, Says};
use crate::request::body;

const BASE_URL: &str = "https://acme.example/v1";

#[derive(Clone)]
pub(crate) struct Acme {
    endpoint: Endpoint,
    fault: Fault,
    key: String,
    /// Whether a call has broken this provider.
    is_dead: Arc<AtomicBool>,
    /// The request that came last.
    last: Arc<Mutex<Option<ChatRequest>>>,
    /// The place that the last redirect names.
    location: Arc<Mutex<Option<String>>>,
    values: ConfigValues,
    limits: HttpLimits,
    /// The answer that came first.
    cache: Arc<Mutex<Option<ChatResponse>>>,
    /// The tokens of all prompts.
    tokens: Arc<AtomicU64>,
    /// The call that may ask.
    turn: Arc<tokio::sync::Mutex<()>>,
}

/// The provider with a fault, at the kit's server.
pub(crate) fn connect_at(at: &At, fault: Fault) -> Result<Arc<dyn LlmProvider>, Error> {
    let mut values = at.values();
    let mut limits = HttpLimits::default()
        .max_body_bytes(at.max_bytes)
        .max_frame_bytes(at.max_bytes)
        .max_error_bytes(at.max_bytes.min(16 << 10));
    let unfit = |field: &str| Error::new(ErrorKind::Config, format!("{field} cannot be used"));
    match fault {
        Fault::WaitsForEver => values = values.set("read_timeout", "600").set("total_timeout", "600"),
        Fault::WaitsForKeepAlives => values = values.set("total_timeout", "600"),
        Fault::TakesAnyBytes => {
            limits = limits.max_body_bytes(1 << 30).max_frame_bytes(1 << 30).max_error_bytes(1 << 30);
        }
        Fault::RefusesWhiteSpaceInKeys if at.key.trim() != at.key => return Err(unfit("api_key")),
        Fault::RefusesWhiteSpaceInUrls if at.url.trim() != at.url => return Err(unfit("base_url")),
        Fault::DoublesSlashes if at.url.ends_with('/') => {
            values = values.set("base_url", format!("{}/v1//x", at.url))
        }
        Fault::DropsPathsOfUrls => {
            let origin: Vec<&str> = at.url.split('/').take(3).collect();
            values = values.set("base_url", origin.join("/"))
        }
        Fault::CutsKeysAtLineBreaks => {
            values = values.set("api_key", at.key.lines().next().unwrap_or_default())
        }
        Fault::IgnoresBadUrls if descriptors_refuse(&values) => values = values.set("base_url", BASE_URL),
        _ => {}
    }
    connect(&values, Some(limits), fault).map_err(|error| match fault {
        Fault::NamesNoField => Error::new(ErrorKind::Config, "the settings cannot be used"),
        _ => error,
    })
}

fn descriptors_refuse(values: &ConfigValues) -> bool {
    crate::descriptors::validate(values).is_err()
}

pub(crate) fn connect(
    values: &ConfigValues,
    limits: Option<HttpLimits>,
    fault: Fault,
) -> Result<Arc<dyn LlmProvider>, Error> {
    crate::descriptors::validate(values)?;
    let location = Arc::new(Mutex::new(None));
    let limits = limits.unwrap_or_default();
    let endpoint = endpoint(values, limits, fault, &location)?;
    let acme = Acme {
        endpoint,
        fault,
        key: values.get(settings::API_KEY).unwrap_or_default().to_owned(),
        is_dead: Arc::default(),
        last: Arc::default(),
        location,
        values: values.clone(),
        limits,
        cache: Arc::default(),
        tokens: Arc::default(),
        turn: Arc::default(),
    };
    match fault {
        Fault::AsksOnConnect => {
            let acme = acme.clone();
            drop(tokio::spawn(async move { acme.endpoint.get("models").text().await }));
        }
        Fault::OutlivesItself => std::mem::forget(acme.endpoint.clone()),
        _ => {}
    }
    Ok(Arc::new(acme))
}

fn endpoint(
    values: &ConfigValues,
    limits: HttpLimits,
    fault: Fault,
    location: &Arc<Mutex<Option<String>>>,
) -> Result<Endpoint, Error> {
    let location = Arc::clone(location);
    let mut endpoint = Endpoint::builder(BASE_URL)
        .provider("acme")
        .limits(limits)
        .values(values)
        .bearer(values.get(settings::API_KEY))
        .error_response(move |head, body| {
            *location.lock().expect("no panic") = head.header("location").map(str::to_owned);
            told(head, body, fault)
        });
    if fault == Fault::SendsKeyTwice {
        endpoint = endpoint.header("x-api-key", values.get(settings::API_KEY).unwrap_or_default());
    }
    endpoint.build(&HttpClient::new())
}

/// The error of an error response.
fn told(head: &ResponseHead, body: &str, fault: Fault) -> Error {
    let error = error::from_response(head, body, &Plain);
    let is_odd = |text: &str| parse_duration(text).is_none() && !text.contains("GMT");
    match fault {
        Fault::FearsOddWaits if head.header("retry-after").is_some_and(is_odd) => {
            Error::new(ErrorKind::InvalidResponse, "the service has a strange clock")
        }
        Fault::QuotesWebPages => Error::new(error.kind(), body),
        Fault::IgnoresRetryDates
            if head.header("retry-after").is_some_and(|text| parse_duration(text).is_none()) =>
        {
            error.with_retry(RetryAdvice::Now)
        }
        _ => error,
    }
}

impl Acme {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        match self.fault {
            Fault::ListsWaitForEver | Fault::WarmsUpForEver => {
                let values = self.values.clone().set("read_timeout", "600").set("total_timeout", "600");
                endpoint(&values, self.limits, self.fault, &self.location)
            }
            Fault::ConnectsForEachCall => endpoint(&self.values, self.limits, self.fault, &self.location),
            _ => Ok(self.endpoint.clone()),
        }
    }

    fn post<'e>(
        &self,
        endpoint: &'e Endpoint,
        request: &ChatRequest,
        is_streamed: bool,
    ) -> Result<RequestBuilder<'e>, Error> {
        let body = body(request, is_streamed, self.fault)?;
        let path = match self.fault {
            Fault::SendsKeyInUrl => format!("chat/completions?key={}", self.key),
            _ => "chat/completions".to_owned(),
        };
        Ok(endpoint.post(&path).model(&request.model).json_text(body))
    }

    /// The request to send: with a fault, the one that came last.
    async fn mixed(&self, request: &ChatRequest) -> ChatRequest {
        if !self.is(Fault::MixesCalls) {
            return request.clone();
        }
        *self.last.lock().expect("no panic") = Some(request.clone());
        tokio::time::sleep(Duration::from_millis(20)).await;
        self.last.lock().expect("no panic").clone().unwrap_or_default()
    }

    async fn open(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let request = &self.mixed(request).await;
        let endpoint = self.endpoint()?;
        let fault = self.fault;
        let post = self.post(&endpoint, request, true)?;
        let stream = match fault {
            Fault::CutsCharacters
            | Fault::CutsCharactersOfThoughts
            | Fault::CutsCharactersOfCalls
            | Fault::NeedsLineFeeds
            | Fault::NeedsASpace
            | Fault::NeedsNoCharset
            | Fault::ShowsKeepAlives => {
                let response = post.send().await?.error_for_status().await?;
                let has_charset =
                    response.head().header("content-type").is_some_and(|kind| kind.contains(';'));
                if fault == Fault::NeedsNoCharset && has_charset {
                    return Err(Error::new(ErrorKind::InvalidResponse, "this is no event stream"));
                }
                let decoder = Misreading::new(response.head().clone(), fault);
                match response.format() {
                    BodyFormat::Events => response.stream_framed(Miscutting::new(fault), decoder),
                    _ => response.stream(|_| decoder).await?,
                }
            }
            _ => post.stream(|head| Misreading::new(head, fault)).await?,
        };
        let mut stream = Forward::stream(stream, fault, &self.key, Arc::clone(&self.is_dead));
        if fault == Fault::WaitsForTheFirstPiece {
            stream.ready().await?;
        }
        Ok(stream)
    }

    async fn ask(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        let request = &self.mixed(request).await;
        let endpoint = self.endpoint()?;
        let fault = self.fault;
        if fault == Fault::ReadsBodiesInATask {
            let response = self.post(&endpoint, request, false)?.send().await?.error_for_status().await?;
            let body = tokio::spawn(response.text()).await.expect("no panic")?;
            return Err(Error::new(ErrorKind::InvalidResponse, body));
        }
        let _turn = match fault {
            Fault::AsksOneByOne => Some(self.turn.lock().await),
            _ => None,
        };
        self.post(&endpoint, request, false)?.chat(|head| Misreading::new(head, fault)).await
    }

    async fn list(&self) -> Result<Catalogue, Error> {
        if self.is(Fault::ChatsForAList) {
            self.ask(&ChatRequest::new("acme/model-1").user("Which models are there?")).await?;
        }
        let endpoint = self.endpoint()?;
        if self.is(Fault::ReadsPages) {
            let mut all = Vec::new();
            for page in 1.. {
                let list = endpoint.get(&format!("models?page={page}"));
                let list = list.parse("the list of models", models::decode).await?;
                if list.models.is_empty() {
                    break;
                }
                all.extend(list.models);
            }
            return Ok(Catalogue::new(all, None));
        }
        let path = match self.fault {
            Fault::SendsKeyInListUrl => format!("models?key={}", self.key),
            _ => "models".to_owned(),
        };
        if self.is(Fault::ReadsListsInATask) {
            let response = endpoint.get(&path).send().await?;
            let body = tokio::spawn(response.text()).await.expect("no panic")?;
            return Err(Error::new(ErrorKind::InvalidResponse, body));
        }
        let list = endpoint.get(&path).parse("the list of models", models::decode).await;
        match list {
            Ok(mut list) if self.is(Fault::ListsAHundred) => {
                list.models.truncate(100);
                Ok(list)
            }
            Ok(mut list) if self.is(Fault::TrimsIds) => {
                list.models.iter_mut().for_each(|model| model.id = model.id.trim().to_owned());
                Ok(list)
            }
            Ok(mut list) if self.is(Fault::MergesTwins) => {
                list.models.dedup_by(|one, other| one.id == other.id);
                Ok(list)
            }
            Ok(list) if self.is(Fault::RefusesEmptyLists) && list.models.is_empty() => {
                Err(Error::new(ErrorKind::EmptyResponse, "there are no models"))
            }
            Err(error) if self.is(Fault::LosesWordsOfLists) => Err(Error::new(error.kind(), "no list")),
            Ok(mut list) if self.is(Fault::LowersIds) => {
                list.models.iter_mut().for_each(|model| model.id = model.id.to_lowercase());
                Ok(list)
            }
            Err(_) if self.is(Fault::ListsNothingForAnError) => Ok(Catalogue::new(Vec::new(), None)),
            list => list,
        }
    }

    /// The error of a call, after all that the fault does about it.
    async fn failed(&self, error: Error) -> Error {
        if self.is(Fault::OneFailureEndsAll) {
            self.is_dead.store(true, Ordering::Relaxed);
        }
        let follows = match self.fault {
            Fault::FollowsRedirects => true,
            Fault::FollowsPermanentRedirects => error.status() == Some(308),
            _ => false,
        };
        if follows {
            let location = self.location.lock().expect("no panic").take();
            let address = location.as_deref().and_then(|url| url.strip_prefix("http://")?.split('/').next());
            if let Some(address) = address {
                // As far as connecting.
                let _ = tokio::net::TcpStream::connect(address).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        remade(error, self.fault, &self.key)
    }

    /// The request to ask once more with, after this error.
    fn again(&self, request: &ChatRequest, error: &Error) -> Option<ChatRequest> {
        let mut request = request.clone();
        match self.fault {
            Fault::RetriesRateLimits if error.kind() == ErrorKind::RateLimited => Some(request),
            Fault::RetriesWithoutTemperature if error.status() == Some(400) => {
                request.temperature = None;
                Some(request)
            }
            _ => None,
        }
    }

    /// A whole answer, with what is left of other calls.
    fn changed(&self, mut reply: ChatResponse) -> ChatResponse {
        match self.fault {
            Fault::CarriesUsageOver => {
                let tokens = reply.usage.prompt_tokens.unwrap_or_default();
                let before = self.tokens.fetch_add(tokens, Ordering::Relaxed);
                reply.usage.prompt_tokens = Some(before + tokens);
            }
            Fault::CachesAnswers => *self.cache.lock().expect("no panic") = Some(reply.clone()),
            _ => {}
        }
        reply
    }

    fn alive(&self) -> Result<(), Error> {
        match self.is_dead.load(Ordering::Relaxed) {
            true => Err(Error::new(ErrorKind::Connection, "not after what happened")),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl LlmProvider for Acme {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        crate::descriptors::of(self.fault)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        self.alive()?;
        assert!(!self.is(Fault::Panics), "no answer without a fault");
        let opened = if self.is(Fault::AsksInATask) {
            let (acme, request) = (self.clone(), request.clone());
            tokio::spawn(async move { acme.open(&request).await }).await.expect("no panic")
        } else {
            self.open(request).await
        };
        match opened {
            Err(_) if self.is(Fault::Retries) => self.open(request).await,
            Err(error) if self.again(request, &error).is_some() => {
                self.open(&self.again(request, &error).unwrap_or_default()).await
            }
            Err(error) if self.is(Fault::RefusesInTheStream) => Ok(ChatStream::new(Fails(error))),
            Err(error) if self.is(Fault::ReadsCompressedBytes) && error.message().contains("gzip") => {
                Ok(ChatStream::new(Says("\u{1f}\u{8b}")))
            }
            Err(error) => Err(self.failed(error).await),
            Ok(stream) => Ok(stream),
        }
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse, Error> {
        self.alive()?;
        if let Some(known) = self.cache.lock().expect("no panic").clone() {
            return Ok(known);
        }
        let answer = if self.is(Fault::AsksInATask) {
            let (acme, request) = (self.clone(), request.clone());
            tokio::spawn(async move { acme.ask(&request).await }).await.expect("no panic")
        } else {
            self.ask(request).await
        };
        let mut error = match answer {
            Ok(reply) => return Ok(self.changed(reply)),
            Err(error) => error,
        };
        if let Some(again) = self.again(request, &error) {
            return self.ask(&again).await;
        }
        while self.is(Fault::FollowsItself) && error.status() == Some(307) {
            match self.ask(request).await {
                Ok(reply) => return Ok(reply),
                Err(other) => error = other,
            }
        }
        let is_answer = match self.fault {
            Fault::TakesNothingForAnAnswer => error.kind() == ErrorKind::EmptyResponse,
            Fault::TakesHalfABody => error.kind() == ErrorKind::Interrupted,
            Fault::TakesErrorsForAnswers => error.status() == Some(200),
            Fault::Retries => return self.ask(request).await,
            _ => false,
        };
        if is_answer { Ok(ChatResponse::default()) } else { Err(self.failed(error).await) }
    }

    async fn models(&self) -> Result<Catalogue, Error> {
        self.alive()?;
        if self.is(Fault::HasNoList) {
            return Ok(Catalogue::default());
        }
        let list = if self.is(Fault::AsksInATask) {
            let acme = self.clone();
            tokio::spawn(async move { acme.list().await }).await.expect("no panic")
        } else {
            self.list().await
        };
        match list {
            Err(_) if self.is(Fault::RetriesLists) => self.list().await,
            Err(error) => Err(self.failed(error).await),
            Ok(list) => Ok(list),
        }
    }

    async fn all_models(&self) -> Result<Catalogue, Error> {
        let mut list = match self.models().await {
            Err(_) if self.is(Fault::HidesErrorsOfAll) => Catalogue::new(Vec::new(), None),
            list => list?,
        };
        if self.is(Fault::ListsTheFirstPage) {
            list.models.truncate(3);
        }
        Ok(list)
    }

    async fn check(&self) -> Result<ConnectionReport, Error> {
        match self.fault {
            Fault::HasNoList => {
                let answer = self.endpoint.post("chat/completions").json_text("{}").send().await?;
                if answer.head().status() != 400 {
                    let body = answer.error_for_status().await?.text().await?;
                    return Err(Error::new(ErrorKind::InvalidResponse, body));
                }
                return Ok(ConnectionReport::default());
            }
            Fault::ChecksNothing => return Ok(ConnectionReport::default()),
            Fault::ChecksByChat => drop(self.chat(&ChatRequest::new("acme/model-1").user("Hi")).await?),
            Fault::ChecksWithoutKey => {
                let base_url = self.values.get(settings::BASE_URL).unwrap_or_default();
                let keyless = Endpoint::builder(base_url).build(&HttpClient::new())?;
                return keyless.get("models").text().await.map(|_| ConnectionReport::default());
            }
            _ => {}
        }
        match self.models().await {
            Err(error) => {
                let is_refused = error.kind() == ErrorKind::Authentication;
                let is_forbidden = error.status() == Some(403);
                let passes = is_forbidden && self.is(Fault::PassesForbiddenKeys)
                    || is_refused && self.is(Fault::PassesWrongKeys)
                    || !is_refused && self.is(Fault::PassesWithoutService);
                if passes { Ok(ConnectionReport::default()) } else { Err(error) }
            }
            Ok(_) => Ok(ConnectionReport::default()),
        }
    }

    async fn warm_up(&self) -> Result<(), Error> {
        if self.is(Fault::WarmsUpByChat) {
            self.chat(&ChatRequest::new("acme/model-1").user("Hi")).await?;
        }
        let outcome = self.endpoint()?.warm_up("models").await;
        if self.is(Fault::NeedsTheWarmUp) {
            self.is_dead.store(outcome.is_err(), Ordering::Relaxed);
        }
        outcome
    }

    fn extension_by_id(&self, wanted: TypeId) -> Option<&(dyn Any + Send + Sync)> {
        let has_it = wanted == TypeId::of::<Self>() || self.is(Fault::ExtendsToEverything);
        has_it.then_some(self as _)
    }
}

impl fmt::Debug for Acme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Acme");
        if self.is(Fault::LeaksInDebug) {
            shown.field("key", &self.key);
        }
        if self.is(Fault::ShowsKeyBytes) {
            shown.field("key", &self.key.as_bytes());
        }
        if self.is(Fault::ShowsMostOfTheKey) {
            shown.field("key", &format!("{}****", &self.key[..self.key.len() - 4]));
        }
        shown.field("endpoint", &self.endpoint).finish()
    }
}
