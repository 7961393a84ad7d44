// Walks through the page as a person does, in Chromium: `node walk.mjs`, with the host in HOST_URL, tokens in
// OWNER_TOKEN and VIEWER_TOKEN, and the upstream in UPSTREAM_URL. SCREENSHOTS names a folder for pictures.
// It runs at 360 and 1,280 pixels, in both languages, and fails on an error in the console, on a violation of
// the policy, and on what axe-core calls serious.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { chromium } from "playwright-core";

const { HOST_URL, OWNER_TOKEN, VIEWER_TOKEN, UPSTREAM_URL, SCREENSHOTS, CHROMIUM } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The browser writes a line for each status above 399. The statuses are the point of some steps.
const EXPECTED = /^Failed to load resource: the server responded with a status of (401|4\d\d|5\d\d)/;

class Person {
  constructor(page, language, width) {
    Object.assign(this, { page, language, width, faults: [] });
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => {
      if (message.type() === "error" && !EXPECTED.test(message.text())) this.faults.push(message.text());
    });
    page.on("pageerror", (error) => this.faults.push(String(error.stack)));
  }

  async look(name) {
    const wider = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wider > 0) this.faults.push(`${name}: ${wider} pixels wider than the window`);
    if (SCREENSHOTS) {
      await this.page.screenshot({ path: `${SCREENSHOTS}/${this.width}-${this.language}-${name}.png` });
    }
    const serious = await this.page.evaluate(async (source) => {
      (0, eval)(source);
      const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
      const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      return bad.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`);
    }, axe);
    this.faults.push(...serious.map((text) => `${name}: ${text}`));
  }

  go(path) {
    return this.page.click(`nav a[href="${path}"]`);
  }

  async signIn(token) {
    await this.page.goto(HOST_URL);
    await this.look("sign-in");
    await this.page.fill("input[name=token]", "wst_wrong");
    await this.page.keyboard.press("Enter");
    await this.page.waitForSelector(".notice.bad");
    await this.page.fill("input[name=token]", token);
    await this.page.keyboard.press("Enter");
    await this.page.waitForSelector("nav");
    assert.ok(!this.page.url().includes(token), "the token is in the address");
    const kept = await this.page.evaluate(() => JSON.stringify(localStorage));
    assert.ok(!kept.includes(token), "the token is kept although nobody asked for it");
  }

  async choose(button, model) {
    await this.page.click(button);
    const search = "dialog input[type=search]";
    await this.page.fill(search, model);
    await this.page.waitForTimeout(200);
    const found = this.page.locator("dialog .models .model");
    if (await found.count()) await this.page.keyboard.press("Enter");
    else await this.page.click("dialog .models .empty button");
    await this.page.waitForSelector("dialog", { state: "detached" });
  }

  async openNode() {
    if (!(await this.page.locator(".panel").evaluate((panel) => panel.open))) await this.page.click(".panel > summary");
  }

  async ask(text) {
    const before = await this.page.locator(".message.assistant").count();
    await this.page.fill(".composer textarea", text);
    await this.page.keyboard.press("Enter");
    await this.page.locator(".message.assistant").nth(before).waitFor();
    return this.page.locator(".message.assistant").nth(before);
  }

  answered(message) {
    return message.locator(".answer[aria-busy=false]").waitFor();
  }
}

const STEPS = {
  async "a provider is added, tested and changed"(person) {
    const { page } = person;
    await person.go("/providers");
    await page.waitForSelector(".card");
    await person.look("providers");
    const add = page.locator("section:nth-of-type(2) .card", { hasText: "OpenRouter" }).locator("button.primary");
    await add.click();
    await page.click("dialog button[data-save]");
    await page.waitForSelector('dialog [name=api_key][aria-invalid="true"]');
    await person.look("form-problems");

    // A reload loses nothing that was typed but the key.
    await page.fill("dialog [name=site_name]", "Typed before the reload");
    await page.fill("dialog [name=api_key]", "sk-or-v1-typed");
    await page.reload();
    await add.click();
    assert.equal(await page.inputValue("dialog [name=site_name]"), "Typed before the reload");
    assert.equal(await page.inputValue("dialog [name=api_key]"), "");

    for (const group of await page.locator("dialog details").all()) await group.evaluate((one) => (one.open = true));
    await page.fill("dialog [name=base_url]", UPSTREAM_URL);
    await page.fill("dialog [name=api_key]", "sk-or-v1-invalid");
    await page.locator("dialog footer.actions button").first().click();
    await page.waitForSelector("dialog .notice.bad");
    await page.fill("dialog [name=api_key]", "sk-or-v1-sandbox-second");
    await page.locator("dialog footer.actions button").first().click();
    await page.waitForSelector("dialog .notice.good");
    const id = `second-${person.width}-${person.language}`;
    await page.locator("dialog details").last().locator("input").fill(id);
    await page.click("dialog button[data-save]");
    await page.waitForSelector("dialog", { state: "detached" });
    const card = page.locator(`.card[aria-label="${id}"]`);
    await card.waitFor();
    assert.match(await card.innerText(), /••••cond/);
    assert.ok(!(await page.content()).includes("sk-or-v1-sandbox-second"), "the key is in the page");

    // Another address asks for the key anew, and the host drops the old one.
    await card.locator("button").nth(1).click();
    for (const group of await page.locator("dialog details").all()) await group.evaluate((one) => (one.open = true));
    await page.fill("dialog [name=base_url]", `${UPSTREAM_URL}/`);
    await page.fill("dialog [name=base_url]", "https://example.com/api/v1");
    await page.waitForSelector('dialog [name=api_key][aria-invalid="true"]');
    await page.keyboard.press("Escape");
    await card.locator("button").nth(2).click();
    await page.click("dialog button.danger");
    await card.waitFor({ state: "detached" });
  },

  async "a model is found in spite of typos, and enabled"(person) {
    const { page } = person;
    await person.go("/models");
    await page.waitForSelector(".model");
    await person.look("models");
    await page.fill("input[type=search]", "antropic sonet");
    await page.waitForTimeout(300);
    assert.match(await page.locator(".model").first().innerText(), /claude.*sonnet/is);
    const enable = page.locator(".model input[role=switch]").first();
    await enable.click();
    await page.waitForFunction(() => !document.querySelector(".model input[role=switch]").disabled);
    assert.equal(await enable.isChecked(), false);
    await enable.click();
    await page.waitForFunction(() => !document.querySelector(".model input[role=switch]").disabled);
    await page.fill("input[type=search]", "no such model at all");
    await page.waitForSelector(".models .empty");
    await page.fill("input[type=search]", "");
  },

  async "a question is asked, stopped, asked again, and is there after a reload"(person) {
    const { page } = person;
    await person.go("/run");
    await page.waitForSelector(".composer");
    await person.openNode();
    await person.choose(".model-button", "openai/gpt-4o-mini");
    const first = await person.ask("Hello, who are you?");
    await person.answered(first);
    await person.look("run");
    assert.match(await first.locator(".figures").innerText(), /\$0\.\d+/);
    const said = await first.locator(".markdown").last().innerText();
    assert.ok(said.trim().length > 0, "no text");

    await page.reload();
    await page.waitForSelector(".message.assistant");
    assert.equal((await page.locator(".message.assistant .answer > .markdown").last().innerText()).trim(), said.trim());

    await page.locator(".message.assistant footer button").nth(1).click();
    await page.waitForSelector(".branches");
    await page.locator(".answer[aria-busy=false]").last().waitFor();
    assert.match(await page.locator(".branches").last().innerText(), /2 \/ 2/);

    await person.openNode();
    await person.choose(".model-button", "openrouter:sandbox/slow");
    const slow = await person.ask("Count slowly, please");
    await page.waitForTimeout(700);
    await page.click(".composer button.danger");
    await person.answered(slow);
    await slow.locator(".answer-state .notice").waitFor();
  },

  async "failures are told with their next step"(person) {
    const { page } = person;
    await person.go("/run");
    for (const model of ["sandbox/mid-stream-error", "sandbox/rate-limit-free", "sandbox/no-credits"]) {
      await person.openNode();
      await person.choose(".model-button", `openrouter:${model}`);
      const failed = await person.ask(`Please fail as ${model}`);
      await failed.locator(".notice.bad").waitFor();
    }
    await person.look("run-failed");
    // A question that cannot be sent stays where it is.
    await page.fill(".composer textarea", "A draft");
    await page.reload();
    await page.waitForSelector(".composer");
    assert.equal(await page.inputValue(".composer textarea"), "A draft");
    await page.fill(".composer textarea", "");
  },

  async "models are compared"(person) {
    const { page } = person;
    await person.go("/compare");
    for (const model of ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "openrouter:sandbox/overload"]) {
      await person.choose(".add", model);
    }
    await page.locator(".view textarea").first().fill("Compare this");
    await page.locator(".card > .actions button.primary").click();
    await page.locator(".cell .answer[aria-busy=false]").nth(2).waitFor();
    await page.waitForSelector(".actions select");
    await person.look("compare");
    assert.equal(await page.locator(".cell .notice.bad").count(), 1);
    await page.selectOption(".actions select", "cost");
    const file = page.waitForEvent("download");
    await page.locator("button", { hasText: /^JSON$/ }).click();
    assert.match(readFileSync(await (await file).path(), "utf8"), /Compare this/);
    await page.locator(".inline ~ button").first().click();
    await page.waitForSelector("dialog .diff");
    await page.keyboard.press("Escape");
    await page.locator(".head button").click();
    await page.locator("dialog .row-button").first().click();
    await page.waitForSelector("dialog", { state: "detached" });
    assert.equal(await page.locator(".cell").count(), 3);
  },

  async "costs, budgets and the audit log are shown"(person) {
    const { page } = person;
    await person.go("/costs");
    await page.waitForSelector("table.runs tbody tr");
    await page.locator("section:nth-of-type(2) .head button").click();
    await page.fill("dialog input[inputmode=decimal]", "much");
    await page.click("dialog button.primary");
    await page.waitForSelector('dialog [aria-invalid="true"]');
    await page.fill("dialog input[inputmode=decimal]", "25.50");
    await page.click("dialog button.primary");
    await page.waitForSelector("dialog", { state: "detached" });
    await page.waitForSelector(".card meter");
    await page.waitForSelector(".plot svg");
    await person.look("costs");
    await page.locator("table.runs button.link").first().click();
    await page.waitForSelector("dialog dl");
    await page.keyboard.press("Escape");
    await page.locator("section:last-of-type summary").click();
    await page.waitForSelector("section:last-of-type table");
    await page.locator("section:nth-of-type(2) .card button.danger").first().click();
  },

  async "a token is made, shown once, and its end asks to sign in again"(person) {
    const { page } = person;
    await person.go("/tokens");
    await page.waitForSelector("table");
    await person.look("tokens");
    await page.locator(".head button").click();
    await page.locator("dialog input").first().fill(`page ${person.width} ${person.language}`);
    await page.click("dialog button.primary");
    await page.waitForSelector("dialog .secret");
    const text = await page.innerText("dialog .secret");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    assert.ok(!(await page.content()).includes(text), "the token is still in the page");

    await person.go("/run");
    await page.fill(".composer textarea", "Kept over the end of a token");
    await page.evaluate(() => {
      const all = JSON.parse(sessionStorage.getItem("host.sessions"));
      sessionStorage.setItem("host.sessions", JSON.stringify(all.map((one) => ({ ...one, token: "wst_ended" }))));
    });
    await person.go("/costs");
    await page.fill("dialog input[name=token]", OWNER_TOKEN);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog", { state: "detached" });
    await person.go("/run");
    assert.equal(await page.inputValue(".composer textarea"), "Kept over the end of a token");
    await page.fill(".composer textarea", "");
  },
};

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
let failed = 0;
for (const width of [1280, 360]) {
  for (const language of ["en", "ko"]) {
    const context = await browser.newContext({
      viewport: { width, height: 800 },
      locale: language === "ko" ? "ko-KR" : "en-US",
      colorScheme: language === "ko" ? "dark" : "light",
    });
    const person = new Person(await context.newPage(), language, width);
    let step = "signs in";
    try {
      await person.signIn(OWNER_TOKEN);
      assert.equal(await person.page.getAttribute("html", "lang"), language);
      for (const [name, walk] of Object.entries(STEPS)) {
        step = name;
        await walk(person);
      }
    } catch (error) {
      person.faults.push(`${step}: ${error.stack}`);
      if (SCREENSHOTS) await person.page.screenshot({ path: `${SCREENSHOTS}/${width}-${language}-fault.png` });
    }
    for (const fault of person.faults) console.error(`${width} ${language}: ${fault}`);
    failed += person.faults.length;
    await context.close();
  }
}

// A viewer is not offered what the role may not do.
const context = await browser.newContext();
const viewer = new Person(await context.newPage(), "en", 1280);
await viewer.page.goto(HOST_URL);
await viewer.page.fill("input[name=token]", VIEWER_TOKEN);
await viewer.page.keyboard.press("Enter");
await viewer.page.waitForSelector(".card");
const offered = await viewer.page.locator("nav a").allInnerTexts();
if (offered.join() !== "AI Model Providers,Models,Costs") {
  console.error(`a viewer is offered ${offered}`);
  failed += 1;
}
await browser.close();
process.exitCode = failed ? 1 : 0;
