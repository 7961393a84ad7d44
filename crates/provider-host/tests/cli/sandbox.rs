use tokio::io::{AsyncBufReadExt, BufReader};

use crate::signals::interrupt;
use crate::support::{KEY_OF_ENV, assert_has, binary, gone, ran};

#[tokio::test]
async fn sandbox_serves_another_program() {
    let mut server = binary().args(["sandbox", "--port", "0", "--token-delay-ms", "0"]).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut greeting = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        let last = line.starts_with("Ctrl-C");
        greeting.push(line);
        if last {
            break;
        }
    }
    let base_url = greeting[0].strip_prefix("Sandbox at ").unwrap();
    assert_has(&greeting.join("\n"), &["OPENROUTER_API_KEY=any", "sandbox/rate-limit"]);

    let mut client = binary();
    client.env("OPENROUTER_API_KEY", "any").args(KEY_OF_ENV).args([
        "chat",
        "openai/gpt-4o",
        "Hello",
        "--base-url",
        base_url,
    ]);
    assert_has(&ran(&mut client).await.with_code(0).out, &["Hello"]);

    interrupt(&server);
    gone(server).await.with_code(0);
}
