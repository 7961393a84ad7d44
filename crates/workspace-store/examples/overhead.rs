//! Measures what a store adds to a call: `overhead <url> [tries] [runs] [handles]`, with a database that may
//! be emptied.
//!
//! It prints the times of a look at a token, a reservation and its settlement, first one after another, then
//! by 64 tasks on two handles or as many as are asked for, where no cent may be reserved beyond the limit;
//! then records runs and reads them back in pages.

#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::time::{Duration, Instant};

use provider_core::Usd;
use workspace_store::{
    Actor, Amount, Call, MasterKey, NewToken, NewWorkspace, Period, Recorder, RecorderSettings, Role, Run,
    RunFilter, Scope, Store, StoreError,
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |at: usize, default: u64| arguments.get(at).map_or(Ok(default), |text| text.parse::<u64>());
    let url = arguments.get(1).map_or("sqlite:overhead.db", String::as_str);
    let (tries, runs, handles) = (number(2, 100_000)?, number(3, 100_000)?, number(4, 2)?);
    let key = MasterKey::parse(&"0123456789abcdef".repeat(4))?;
    let mut stores = Vec::new();
    for _ in 0..handles.max(1) {
        stores.push(Store::open(url, key.clone()).await?);
    }
    let store = &stores[0];
    let by = Actor::new("overhead");
    let _ = store.delete_workspace("overhead", &by).await;
    store.create_workspace(NewWorkspace::new("overhead"), &by).await?;
    let cent: Usd = "0.01".parse()?;
    let most = tries / 2;
    let limit = Amount::Usd(cent * most);
    let budget = store.add_budget("overhead", Scope::Workspace, limit, Period::Total, &by).await?;
    let token = store.create_token("overhead", NewToken::new("overhead", Role::Member), &by).await?.text;

    let call = Call::new("overhead").user("ada").estimate(cent);
    let (mut looks, mut reserves, mut settles) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..500 {
        let start = Instant::now();
        store.authenticate(token.expose()).await?;
        looks.push(start.elapsed());
        let start = Instant::now();
        let reservation = store.reserve(&call).await?;
        reserves.push(start.elapsed());
        let start = Instant::now();
        reservation.settle(Some(Usd::ZERO)).await?;
        settles.push(start.elapsed());
    }
    tell("token, one after another", looks);
    tell("reserve, one after another", reserves);
    tell("settle, one after another", settles);

    let start = Instant::now();
    let tasks: Vec<_> = (0_usize..64)
        .map(|number| {
            let (store, call) = (stores[number % stores.len()].clone(), call.clone());
            let tries = tries / 64;
            tokio::spawn(async move {
                let (mut taken, mut times) = (0_u64, Vec::new());
                for _ in 0..tries {
                    let start = Instant::now();
                    match store.reserve(&call).await {
                        Ok(reservation) => {
                            taken += 1;
                            reservation.settle(None).await?;
                            times.push(start.elapsed());
                        }
                        Err(StoreError::Budget(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok((taken, times))
            })
        })
        .collect();
    let (mut taken, mut times) = (0, Vec::new());
    for task in tasks {
        let (some, more) = task.await??;
        taken += some;
        times.extend(more);
    }
    println!("{} tries by 64 tasks in {:.1?}: {taken} reserved of {most}", tries / 64 * 64, start.elapsed());
    tell("reserve and settle, 64 tasks", times);
    let spent = store.budget("overhead", &budget.id).await?.spent;
    anyhow::ensure!(taken <= most && spent == Amount::Usd(cent * taken), "{taken} of {most}, {spent} spent");

    let spill = std::env::temp_dir().join(format!("overhead-{}.spill", std::process::id()));
    let recorder = Recorder::start(store.clone(), RecorderSettings::new(&spill))?;
    let (start, mut times) = (Instant::now(), Vec::new());
    for number in 0..runs {
        let run = Run::begin("overhead", "openrouter", "openai/gpt-4o")?.user("ada");
        let one = Instant::now();
        recorder.record(run);
        times.push(one.elapsed());
        if number % 1000 == 999 {
            recorder.flush().await;
        }
    }
    recorder.flush().await;
    println!("{runs} runs recorded in {:.1?}: {:?}", start.elapsed(), recorder.counts());
    tell("record", times);
    let (start, mut before, mut count, mut times) = (Instant::now(), None, 0, Vec::new());
    loop {
        let one = Instant::now();
        let page = store.runs("overhead", &RunFilter::new(), before.as_deref(), 500).await?;
        times.push(one.elapsed());
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        count += page.len();
    }
    println!("{count} runs read in pages of 500 in {:.1?}", start.elapsed());
    tell("a page", times);
    std::fs::remove_file(spill)?;
    store.delete_workspace("overhead", &by).await?;
    Ok(())
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at =
        |share: usize| times.get(times.len().saturating_sub(1) * share / 100).copied().unwrap_or_default();
    println!("{what}: p50 {:.1?}, p99 {:.1?}", at(50), at(99));
}
