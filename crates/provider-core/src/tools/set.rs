//! Tools and the functions behind them.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::{IntoToolOutput, ToolError, ToolErrorKind};
use crate::{Content, FunctionTool, ToolCall};

/// Tools a model may call, each with the async function that runs it. Cheap to clone.
///
/// The functions may borrow from where the set is made: no task is spawned for them.
#[cfg_attr(feature = "schemars", doc = "\n```")]
#[cfg_attr(not(feature = "schemars"), doc = "\n```ignore")]
/// use provider_core::schemars::{self, JsonSchema};
/// use provider_core::{FunctionTool, Json, ToolError, ToolSet};
///
/// #[derive(serde::Deserialize, JsonSchema)]
/// struct City {
///     /// The city's name
///     city: String,
/// }
///
/// let rows = std::collections::BTreeMap::from([("Paris", 18)]);
/// let tools = ToolSet::new()
///     .typed("get_weather", "The weather of a city, now", async |args: City| {
///         let celsius = rows.get(args.city.as_str()).ok_or(ToolError::new("no such city"))?;
///         Ok::<_, ToolError>(format!("{celsius} °C in {}", args.city))
///     })
///     .untyped(FunctionTool::new("list_cities", "All cities"), |_call| async {
///         Json(rows.keys().copied().collect::<Vec<_>>())
///     });
/// let names: Vec<&str> = tools.definitions().map(|tool| &*tool.name).collect();
/// assert_eq!(names, ["get_weather", "list_cities"]);
/// ```
#[derive(Clone, Default)]
pub struct ToolSet<'a> {
    tools: Vec<(FunctionTool, Arc<dyn Handler + 'a>)>,
}

/// A result that is being worked on.
pub(super) type Work<'s> = Pin<Box<dyn Future<Output = Result<Content, ToolError>> + Send + 's>>;

/// Runs a tool. It is a trait of its own and no boxed closure, so that a set for a long life can be used for
/// a shorter one.
trait Handler: Send + Sync {
    fn call(&self, call: ToolCall) -> Work<'_>;
}

impl<'a> ToolSet<'a> {
    /// No tools yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool whose arguments are a type. The model gets the type's schema, as [`FunctionTool::of`]
    /// makes it. Needs the feature `schemars`.
    ///
    /// Arguments that do not fit are the tool's [failure](ToolErrorKind::Arguments), and the model is told
    /// where they do not.
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn typed<A, F, W>(self, name: impl Into<String>, description: impl Into<String>, run: F) -> Self
    where
        A: serde::de::DeserializeOwned + schemars::JsonSchema + 'a,
        F: Fn(A) -> W + Send + Sync + 'a,
        W: Future<Output: IntoToolOutput> + Send + 'a,
    {
        self.typed_as(FunctionTool::of::<A>(name, description), run)
    }

    /// Adds a tool whose arguments are a type, and which is described apart from it: strict, cached, with a
    /// schema of your own.
    #[cfg(feature = "schemars")]
    #[must_use]
    pub fn typed_as<A, F, W>(self, tool: FunctionTool, run: F) -> Self
    where
        A: serde::de::DeserializeOwned + 'a,
        F: Fn(A) -> W + Send + Sync + 'a,
        W: Future<Output: IntoToolOutput> + Send + 'a,
    {
        self.with(tool, TypedHandler { run, types: PhantomData })
    }

    /// Adds a tool that gets the call as it came: its id, its name and the text of its arguments.
    #[must_use]
    pub fn untyped<F, W>(self, tool: FunctionTool, run: F) -> Self
    where
        F: Fn(ToolCall) -> W + Send + Sync + 'a,
        W: Future<Output: IntoToolOutput> + Send + 'a,
    {
        self.with(tool, UntypedHandler { run, types: PhantomData })
    }

    fn with(mut self, tool: FunctionTool, handler: impl Handler + 'a) -> Self {
        self.tools.push((tool, Arc::new(handler)));
        self
    }

    /// The tools, as a request offers them.
    pub fn definitions(&self) -> impl Iterator<Item = &FunctionTool> {
        self.tools.iter().map(|(tool, _)| tool)
    }

    /// The tools' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions().map(|tool| tool.name.as_str())
    }

    /// Whether there is a tool of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Runs the tool that a call names: for a loop of your own, and for testing tools. A tool is not run with
    /// arguments that are no JSON.
    ///
    /// # Errors
    /// The tool's, or [`ToolErrorKind::UnknownTool`] (also for a call that is of no
    /// [function](ToolCall::is_function)), or [`ToolErrorKind::Arguments`].
    pub async fn call(&self, call: ToolCall) -> Result<Content, ToolError> {
        self.start(call).await
    }

    pub(super) fn start(&self, call: ToolCall) -> Work<'_> {
        let refused = |kind, message: String| -> Work<'_> {
            Box::pin(std::future::ready(Err(ToolError::of(kind, message))))
        };
        let unknown = |what: String| {
            let names: Vec<&str> = self.names().collect();
            refused(ToolErrorKind::UnknownTool, format!("{what}; there are: {}", names.join(", ")))
        };
        if !call.is_function() {
            return unknown(format!("`{}` is no function", call.label()));
        }
        if call.name.is_empty() {
            return unknown("the call names no tool".to_owned());
        }
        // Even a call that is for somebody else to run: the model has to mend it.
        if let Err(error) = call.check_arguments() {
            return refused(ToolErrorKind::Arguments, format!("the arguments are no JSON: {error}"));
        }
        match self.tools.iter().find(|(tool, _)| tool.name == call.name) {
            Some((_, handler)) => handler.call(call),
            None => unknown(format!("there is no tool `{}`", call.name)),
        }
    }
}

impl fmt::Debug for ToolSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The function, and for the compiler's sake that its work lives as long as the set.
struct UntypedHandler<F, W> {
    run: F,
    types: PhantomData<fn() -> W>,
}

impl<F, W> Handler for UntypedHandler<F, W>
where
    F: Fn(ToolCall) -> W + Send + Sync,
    W: Future<Output: IntoToolOutput> + Send,
{
    fn call(&self, call: ToolCall) -> Work<'_> {
        let work = (self.run)(call);
        Box::pin(async move { work.await.into_tool_output() })
    }
}

#[cfg(feature = "schemars")]
struct TypedHandler<A, F, W> {
    run: F,
    types: PhantomData<fn(A) -> W>,
}

#[cfg(feature = "schemars")]
impl<A, F, W> Handler for TypedHandler<A, F, W>
where
    A: serde::de::DeserializeOwned,
    F: Fn(A) -> W + Send + Sync,
    W: Future<Output: IntoToolOutput> + Send,
{
    fn call(&self, call: ToolCall) -> Work<'_> {
        // As `ToolCall::arguments_as`, which cannot say where they do not fit.
        let arguments = match call.arguments.trim() {
            "" | "null" => "{}",
            text => text,
        };
        match crate::extract::read_json(arguments) {
            Ok(arguments) => {
                let work = (self.run)(arguments);
                Box::pin(async move { work.await.into_tool_output() })
            }
            Err(misfit) => {
                let message = format!("the arguments do not fit: {misfit}");
                Box::pin(std::future::ready(Err(ToolError::of(ToolErrorKind::Arguments, message))))
            }
        }
    }
}
