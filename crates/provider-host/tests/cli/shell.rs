//! Tests of completions and manual pages.

use crate::support::{assert_has, binary, ran};

#[tokio::test]
async fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = ran(binary().args(["completions", shell])).await.with_code(0);
        assert_has(&script.out, &["asq", "doctor", "endpoints", "allow-tools"]);
    }
    ran(binary().args(["completions", "sh"])).await.with_code(2);
}

#[tokio::test]
async fn bash_takes_its_completions() {
    let script = ran(binary().args(["completions", "bash"])).await.with_code(0).out;
    let mut bash = tokio::process::Command::new("bash");
    let complete = "COMP_WORDS=(asq doc); COMP_CWORD=1; _asq asq doc asq\n\
                    echo \"${COMPREPLY[@]}\"";
    let Ok(output) = bash.args(["-c", &format!("{script}\n{complete}")]).output().await else {
        println!("skipped: there is no bash");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "doctor");
}

#[tokio::test]
async fn manual_has_a_page_for_each_command() {
    let page = ran(binary().arg("man")).await.with_code(0);
    assert_has(&page.out, &[".TH asq 1", "Exit codes:", "OPENROUTER_API_KEY"]);
    let page = ran(binary().args(["man", "chat"])).await.with_code(0);
    let source = format!("\"asq {}\"", env!("CARGO_PKG_VERSION"));
    assert_has(
        &page.out,
        &["asq\\-chat", "\\-\\-allow\\-tools", "How often the model may be asked", &source],
    );
    let unknown = ran(binary().args(["man", "chta"])).await.with_code(2);
    assert_has(&unknown.err, &["there is no command \"chta\", only chat, "]);
    let folder = tempfile::tempdir().unwrap();
    ran(binary().args(["man", "--folder"]).arg(folder.path().join("man1"))).await.with_code(0);
    let pages: Vec<_> = std::fs::read_dir(folder.path().join("man1")).unwrap().flatten().collect();
    assert!(pages.len() > 10, "{pages:?}");
    assert!(folder.path().join("man1/asq-doctor.1").exists());
}
