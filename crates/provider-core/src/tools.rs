//! Tools that run here, and the loop in which a model calls them until it answers.

mod calls;
mod deadline;
mod error;
mod output;
mod pace;
mod run;
mod set;
mod tool_loop;
mod watcher;

pub use self::error::{ToolError, ToolErrorKind};
pub use self::output::{IntoToolOutput, Json};
pub use self::run::{CalledTool, LoopEvent, RunOutcome, ToolErrors, ToolRun, ToolStep};
pub use self::set::ToolSet;
pub use self::tool_loop::ToolLoop;
