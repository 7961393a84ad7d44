use openrouter_provider::OpenRouter;
use provider_core::{ChatRequest, Content, Error, Part};

pub async fn images_and_files(openrouter: &OpenRouter, photo: &[u8]) -> Result<(), Error> {
    let content: Content = [
        Part::text("What is on the photo, and does it fit the report?"), // text first
        Part::image(photo)?, // png, jpeg, webp or gif, told from the bytes
        Part::image_url("https://example.com/map.png").detail("low"),
        Part::file_url("report.pdf", "https://example.com/report.pdf"),
    ]
    .into();
    let request = ChatRequest::new("openai/gpt-4o").user(content);
    let reply = openrouter.chat(&request).await?;
    println!("{}", reply.text());

    // The library refuses a part that cannot be sent before it sends anything.
    let refused = Part::image(b"BM\0\0\0\0\0\0\0\0").expect_err("a bitmap");
    assert!(refused.to_string().contains("image/bmp"));
    Ok(())
}
