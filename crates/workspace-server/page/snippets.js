// A run as a program writes it: with curl, and with the crates.

import { NODE_EXTRA } from "./api.js";
import { VARIABLE } from "./node-form.js";

const shell = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const rust = (text) => JSON.stringify(text).replace(/\\u([0-9a-f]{4})/gi, "\\u{$1}");

/** The command for the host's API. The token stands in a variable: a command lands in a history. */
export function asCurl(path, body) {
  return [
    `curl -N ${shell(location.origin + path)} \\`,
    `  -H "Authorization: Bearer $HOST_TOKEN" \\`,
    `  -H 'Content-Type: application/json' \\`,
    `  -d ${shell(JSON.stringify(body))}`,
  ].join("\n");
}

/** The request in Rust, for a model of a connected workspace. Variables are put in; limits are the host's. */
export function asRust(node, message, variables = {}) {
  const config = node.config ?? {};
  const extra = config[NODE_EXTRA]?.request ?? {};
  const calls = [];
  const set = (name, value) => (value ?? null) !== null && calls.push(`.${name}(${value})`);
  const float = (value) => (Number.isInteger(value) ? `${value}.0` : value);
  if (config.system_prompt) {
    const system = config.system_prompt.replace(VARIABLE, (whole, name) => variables[name] ?? whole);
    set("system", rust(system));
  }
  set("user", rust(message));
  for (const key of ["temperature", "top_p", "frequency_penalty", "presence_penalty"])
    set(key, float(config[key]));
  set("max_tokens", config.max_tokens);
  const stop = config.stop_sequences ?? config.stop;
  if (stop?.length) set("stop", `[${stop.map(rust).join(", ")}]`);
  set("seed", extra.seed);
  set("top_k", extra.top_k);
  if (extra.reasoning?.effort) set("reasoning", `Reasoning::effort(${rust(extra.reasoning.effort)})`);
  if (extra.modalities?.length) set("modalities", `[${extra.modalities.map(rust).join(", ")}]`);
  for (const one of config.function_calling_config?.tools ?? []) {
    const tool = one.function ?? one;
    const made = `FunctionTool::new(${rust(tool.name)}, ${rust(tool.description ?? "")})`;
    set("tool", tool.parameters ? `${made}.parameters(json!(${JSON.stringify(tool.parameters)}))` : made);
  }
  return [
    `let model = workspace.model(${rust(config.model ?? config.model_id ?? "")}).await?;`,
    "let request = model",
    "    .request()",
    `${calls.map((call) => `    ${call}`).join("\n")};`,
    "let mut stream = model.stream(&request).await?;",
    "while let Some(event) = stream.next().await {",
    "    if let Event::Text(text) = event? {",
    '        print!("{text}");',
    "    }",
    "}",
    "let reply = stream.into_response()?;",
  ].join("\n");
}
