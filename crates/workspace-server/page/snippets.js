// A run as a program writes it: with curl, and with the crates.

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

/** The request in Rust, for a model of a connected workspace. */
export function asRust(node, message) {
  const config = node.config ?? {};
  const calls = [];
  if (config.system_prompt) calls.push(`.system(${rust(config.system_prompt)})`);
  calls.push(`.user(${rust(message)})`);
  for (const key of ["temperature", "top_p", "frequency_penalty", "presence_penalty"]) {
    if (config[key] !== undefined)
      calls.push(`.${key}(${Number.isInteger(config[key]) ? `${config[key]}.0` : config[key]})`);
  }
  if (config.max_tokens !== undefined) calls.push(`.max_tokens(${config.max_tokens})`);
  return [
    `let model = workspace.model(${rust(config.model ?? "")}).await?;`,
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
