// Walks through the page as a person does, in Chromium: `node walk.mjs`. It runs at 360 and 1,280 pixels, in
// both languages, and fails on an error in the console, on a violation of the policy, on a layout that shifts
// or is too wide, and on what axe-core calls serious. The test `page` of workspace-server starts the hosts and
// sets the variables:
//
// HOST_URL, UPSTREAM_URL     the host, and the sandbox behind it
// OWNER_TOKENS               the token of an Owner of a workspace for each walk, with commas between them
// VIEWER_TOKEN               the token of a Viewer of the first of these workspaces
// FRESH_TOKEN                the token of an Owner of a workspace without a provider
// STOPPED_URL, STOPPED_TOKEN another host, which is stopped when this program prints `stop`
// SCREENSHOTS                a folder for pictures (optional)
// ONLY                       a part of the names of the steps to walk (optional)

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";

import { chromium } from "playwright-core";

const { HOST_URL, OWNER_TOKENS, VIEWER_TOKEN, FRESH_TOKEN, UPSTREAM_URL } = process.env;
const { STOPPED_URL, STOPPED_TOKEN, SCREENSHOTS, CHROMIUM, ONLY = "" } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The browser writes a line for each status above 399, and for each host that is not there. Both are the
// point of some steps.
const EXPECTED = /^Failed to load resource: (the server responded with a status of (4|5)\d\d|net::ERR_)/;
/** A shift of the layout that a person does not see (web.dev calls 0.1 good). */
const MOST_SHIFT = 0.1;
/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

class Person {
  constructor(page, { language, width, token }) {
    Object.assign(this, { page, language, width, token, faults: [], clicks: 0 });
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => {
      if (message.type() === "error" && !EXPECTED.test(message.text())) this.faults.push(message.text());
    });
    page.on("pageerror", (error) => this.faults.push(String(error.stack)));
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      const isKnown = [HOST_URL, STOPPED_URL, new URL(UPSTREAM_URL).origin].includes(origin);
      if (!isKnown && !/^(data|blob):/.test(protocol)) this.faults.push(`a request to ${request.url()}`);
    });
  }

  /** Looks at a view: its width, a picture, and axe-core; of a new one, its shifts, too. */
  async look(name, { isNew = false } = {}) {
    const { page } = this;
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wider > 0) this.faults.push(`${name}: ${wider} pixels wider than the window`);
    const shift = await page.evaluate(() => [globalThis.shift ?? 0, (globalThis.shift = 0)][0]);
    if (isNew && shift > MOST_SHIFT)
      this.faults.push(`${name}: the layout has shifted by ${shift.toFixed(3)}`);
    if (SCREENSHOTS)
      await page.screenshot({ path: `${SCREENSHOTS}/${this.width}-${this.language}-${name}.png` });
    const isThere = await page.evaluate(() => "axe" in globalThis);
    const serious = await page.evaluate(
      async (source) => {
        if (source) (0, eval)(source);
        const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
        const bad = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        return bad.map(
          ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`,
        );
      },
      isThere ? null : axe,
    );
    this.faults.push(...serious.map((text) => `${name}: ${text}`));
  }

  click(selector) {
    this.clicks += 1;
    return this.page.click(selector);
  }

  async go(path) {
    await this.page.evaluate(() => (globalThis.shift = 0));
    await this.click(`nav a[href="${path}"]`);
  }

  async signIn(token, url = HOST_URL) {
    await this.page.goto(url);
    await this.page.fill("input[name=token]", token);
    await this.page.keyboard.press("Enter");
    await this.page.waitForSelector("nav");
  }

  /** Chooses a model in the search that is open, or an id that no catalogue lists. */
  async pick(model) {
    const search = "dialog input[type=search]";
    await this.page.fill(search, model);
    await this.page.press(search, "Enter");
  }

  /** Waits until the page has drawn what was typed. */
  drawn() {
    return this.page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
  }

  async choose(model) {
    await this.openNode();
    await this.click(".panel .model-button");
    await this.pick(model);
    await this.page.waitForSelector("dialog", { state: "detached" });
  }

  async openNode() {
    const isOpen = await this.page.locator(".panel").evaluate((panel) => panel.open);
    if (!isOpen) await this.page.click(".panel > summary");
  }

  /** Opens the groups of a form. */
  async unfold(within) {
    for (const group of await this.page.locator(`${within} details`).all()) {
      await group.evaluate((one) => (one.open = true));
    }
  }

  async ask(text) {
    const before = await this.page.locator(".message.user").count();
    await this.page.fill(".composer textarea", text);
    await this.page.focus(".composer textarea");
    await this.page.keyboard.press("Enter");
    await this.page.locator(".message.user").nth(before).waitFor();
    return this.last();
  }

  last() {
    return this.page.locator(".message.assistant").last();
  }

  answered() {
    return this.page.locator(".message.assistant:last-of-type .answer[aria-busy=false]").last().waitFor();
  }

  async newTalk() {
    await this.page.click(".run .head button:first-of-type");
    await this.page.waitForSelector(".log .empty");
  }

  /** Changes the node by its JSON. */
  async node(change) {
    await this.openNode();
    await this.unfold(".panel");
    const json = this.page.locator(".panel .field textarea.mono").last();
    const node = JSON.parse(await json.inputValue());
    change(node);
    await json.fill(JSON.stringify(node));
    await json.blur();
    return node;
  }

  /** Waits for the record of a run, which the host writes a little after the run. */
  recorded() {
    return this.page.waitForResponse((one) => /\/runs\/[^/?]+$/.test(one.url()) && one.ok());
  }

  /** The request that the page sends next to a path. */
  async sent(path, act) {
    const request = this.page.waitForRequest((one) => one.method() === "POST" && one.url().endsWith(path));
    await act();
    return (await request).postDataJSON();
  }
}

const STEPS = {
  async "a person signs in"(person) {
    const { page } = person;
    await page.goto(HOST_URL);
    await page.waitForSelector("input[name=token]");
    await person.look("sign-in", { isNew: true });
    await page.fill("input[name=token]", "wst_wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".notice.bad");
    await page.fill("input[name=token]", person.token);
    await page.keyboard.press("Enter");
    await page.waitForSelector("nav");
    assert.equal(await page.getAttribute("html", "lang"), person.language);
    assert.ok(!page.url().includes(person.token), "the token is in the address");
    const kept = await page.evaluate(() => JSON.stringify(localStorage));
    assert.ok(!kept.includes(person.token), "the token is kept although nobody asked for it");

    // Language and appearance change at once.
    const other = person.language === "en" ? "ko" : "en";
    await page.click(".menu-button");
    await page.locator("#menu select").first().selectOption(other);
    await page.waitForFunction((lang) => document.documentElement.lang === lang, other);
    await page.click(".menu-button");
    await page.locator("#menu select").nth(1).selectOption("dark");
    assert.equal(await page.getAttribute("html", "data-theme"), "dark");
    await page.locator("#menu select").nth(1).selectOption("auto");
    await page.locator("#menu select").first().selectOption(person.language);
    await page.waitForFunction((lang) => document.documentElement.lang === lang, person.language);
  },

  async "a link of the host signs in, and leaves no token in the address"(person) {
    const context = await person.page.context().browser().newContext();
    const page = await context.newPage();
    await page.goto(`${HOST_URL}/run#token=${person.token}`);
    await page.waitForSelector(".composer");
    assert.equal(page.url(), `${HOST_URL}/run`);
    await context.close();
  },

  async "a provider is added, tested and changed"(person) {
    const { page } = person;
    await person.go("/providers");
    await page.waitForSelector(".card [data-add]");
    await person.look("providers", { isNew: true });
    const id = `second-${person.width}-${person.language}`;
    await page.click("[data-add=openrouter]");
    await person.unfold("dialog");
    // Every problem stands at its field, all of them at once.
    await page.fill("dialog [name=site_url]", "no address");
    await page.fill("dialog [name=connect_timeout]", "-5");
    await page.click("dialog button[data-save]");
    await page.waitForSelector('dialog [name=api_key][aria-invalid="true"]');
    const wrong = await page
      .locator('dialog [aria-invalid="true"]')
      .evaluateAll((all) => all.map(({ name }) => name));
    assert.deepEqual(wrong.sort(), ["api_key", "connect_timeout", "site_url"]);
    if (person.language === "ko") {
      for (const problem of await page.locator("dialog .problem:not([hidden])").allInnerTexts())
        assert.match(problem, /: .*[가-힣]/, "a problem in English");
    }
    await person.look("form-problems");
    await page.fill("dialog [name=site_url]", "");
    await page.fill("dialog [name=connect_timeout]", "");

    // A reload loses nothing that was typed but the key.
    await page.fill("dialog [name=site_name]", "Typed before the reload");
    await page.fill("dialog [name=api_key]", "sk-or-v1-typed");
    await page.reload();
    await page.click("[data-add=openrouter]");
    assert.equal(await page.inputValue("dialog [name=site_name]"), "Typed before the reload");
    assert.equal(await page.inputValue("dialog [name=api_key]"), "");

    await person.unfold("dialog");
    // The form says where its requests go, the address of the service or another one.
    assert.match(await page.innerText("dialog [data-target]"), /https:\/\/openrouter\.ai/);
    await page.fill("dialog [name=base_url]", UPSTREAM_URL);
    assert.ok((await page.innerText("dialog [data-target]")).includes(UPSTREAM_URL));
    await page.fill("dialog [name=api_key]", "sk-or-v1-invalid");
    const test = page.locator("dialog footer.actions button").first();
    await test.click();
    await page.waitForSelector("dialog .notice.bad .next");
    await page.fill("dialog [name=api_key]", "sk-or-v1-sandbox-second");
    await test.click();
    await page.waitForSelector("dialog .notice.good");
    // The label of the key, what is left, and of how much.
    assert.match(await page.innerText("dialog .notice.good"), /sk-or[\s\S]*\$\d+\.\d\d[\s\S]*\$100/);
    await page.fill("dialog [name=id]", "openrouter");
    await page.click("dialog button[data-save]");
    await page.waitForSelector('dialog [name=id][aria-invalid="true"]');
    await page.fill("dialog [name=id]", id);
    await page.click("dialog button[data-save]");
    await page.waitForSelector("dialog", { state: "detached" });

    // The card says that it works, and leads on.
    const card = page.locator(`.card[aria-label="${id}"]`);
    await card.locator('.notice.good a[href="/run"]').waitFor();
    await person.look("provider-tested");
    assert.match(await card.innerText(), /••••cond/);
    assert.ok(!(await page.content()).includes("sk-or-v1-sandbox-second"), "the key is in the page");

    // Another address asks for the key anew, and the host drops the old one.
    const buttons = card.locator("footer button");
    await buttons.nth(1).click();
    await person.unfold("dialog");
    await page.fill("dialog [name=base_url]", "https://example.com/api/v1");
    await page.waitForSelector('dialog [name=api_key][aria-invalid="true"]');
    await page.fill("dialog [name=base_url]", `${UPSTREAM_URL}/`);
    await page.click("dialog button[data-save]");
    await page.waitForSelector("dialog .notice.warn");
    await page.keyboard.press("Escape");
    await page.waitForFunction(
      (name) => document.querySelector(`.card[aria-label="${name}"]`)?.textContent.includes("••••") === false,
      id,
    );
    await buttons.nth(2).click();
    await page.click("dialog button.danger");
    await card.waitFor({ state: "detached" });
  },

  async "a provider gets its key by approval"(person) {
    const { page } = person;
    await person.go("/providers");
    const card = page.locator('.card[aria-label="openrouter"]');
    const before = await card.innerText();
    await card.locator("footer button").nth(1).click();
    await page.click("dialog [data-connect]");
    // The sandbox approves at once, and sends the browser back.
    await page.waitForSelector(".view > div > .notice.good");
    assert.equal(page.url(), `${HOST_URL}/providers`);
    await card.locator(".notice.good").waitFor();
    assert.notEqual((await card.innerText()).match(/••••\S*/)[0], before.match(/••••\S*/)[0]);

    // An approval that this token has not asked for is refused.
    await page.goto(`${HOST_URL}/connected?state=unknown&code=x`);
    await page.waitForSelector(".view > div > .notice.bad");
  },

  async "a model is found in spite of typos, and enabled"(person) {
    const { page } = person;
    await person.go("/models");
    await page.waitForSelector(".model");
    await person.look("models", { isNew: true });
    await page.fill("input[type=search]", "antropic sonet");
    await person.drawn();
    const first = page.locator(".model").first();
    assert.match(await first.innerText(), /claude.*sonnet/is);
    assert.match(await first.innerText(), /200K|1M/);
    const enable = first.locator("input[role=switch]");
    const settled = () => page.waitForFunction(() => !document.querySelector(".model input[aria-busy]"));
    await enable.click();
    await settled();
    assert.equal(await enable.isChecked(), false);
    await enable.click();
    await settled();
    assert.equal(await enable.isChecked(), true);
    await page.fill("input[type=search]", "no such model at all");
    await page.waitForSelector(".models .empty");
    await page.locator(".models .empty button").click();

    // Filters and the order.
    const toggles = page.locator(".toggles button");
    await toggles.nth(4).click();
    await person.drawn();
    assert.equal(await page.locator(".model").count(), 1, "one model of the sandbox makes images");
    await toggles.nth(4).click();
    await page.locator(".search-row select").first().selectOption("price");
    await person.drawn();
    const prices = await page
      .locator(".model")
      .evaluateAll((rows) => rows.map((row) => row.querySelectorAll(".number")[1].lastChild.textContent));
    const dollars = prices.filter((price) => price.startsWith("$")).map((price) => Number(price.slice(1)));
    assert.ok(dollars.length > 10 && dollars[0] <= dollars.at(-1), dollars.join());

    await page.fill("input[type=search]", "gpt-4o-mini");
    await person.drawn();
    await page.locator(".model-actions button").first().click();
    await page.waitForSelector("dialog .endpoints tbody tr");
    await person.look("model-details");
    await page.keyboard.press("Escape");
    await page.fill("input[type=search]", "");
    await page.locator(".search-row select").first().selectOption("relevance");
  },

  async "five hundred models stay fluid"(person) {
    const { page } = person;
    const model = (at) => ({
      ...{
        reference: `many:author/model-${at}`,
        provider: "many",
        id: `author/model-${at}`,
        name: `Model ${at}`,
      },
      ...{ author: "author", description: null, created: at, context_length: 1000 * at, free: at % 9 === 0 },
      ...{ max_completion_tokens: 4096, input_modalities: ["text"], output_modalities: ["text"] },
      ...{ parameters: ["temperature"], tools: at % 2 === 0, reasoning: false, enabled: true },
      prices: { prompt_per_million: "1.5", completion_per_million: "6", varies: false },
      deprecation: at === 0 ? { date: "2027-01-31", days_left: 60 } : null,
    });
    const items = Array.from({ length: 500 }, (_, at) => model(at));
    await page.route(/\/models\?/, (route) => {
      const query = new URL(route.request().url()).searchParams;
      const [from, size] = [Number(query.get("offset")), Number(query.get("limit"))];
      const next = from + size < items.length ? from + size : null;
      const data = { items: items.slice(from, from + size), total: items.length, next, failed: [] };
      return route.fulfill({ json: { data, status: "success", code: "ok", message: "" } });
    });
    await person.go("/models");
    await page.reload();
    await page.waitForSelector(".model");
    assert.match(await page.innerText(".list-head"), /500/);
    assert.match(
      await page.locator(".model").first().innerText(),
      /2027/,
      "the end of the model is not told",
    );
    const rows = () => page.locator(".model").count();
    assert.ok((await rows()) <= 60, `${await rows()} rows at first`);
    await page.fill("input[type=search]", "model");
    await person.drawn();
    assert.ok((await rows()) <= 60, `${await rows()} rows after a letter`);
    await page.locator(".model").last().scrollIntoViewIfNeeded();
    await page.waitForFunction(() => document.querySelectorAll(".model").length > 60);
    await page.fill("input[type=search]", "modle 499");
    await page.waitForFunction(() => document.querySelectorAll(".model").length === 1);
    await page.fill("input[type=search]", "");
    await page.unroute(/\/models\?/);
    await page.reload();
    await page.waitForSelector(".model");
  },

  async "a question is asked, stopped, asked again, and is there after a reload"(person) {
    const { page } = person;
    await person.go("/run");
    await page.waitForSelector(".composer");
    await person.choose("openai/gpt-4o-mini");
    await page.fill(".composer textarea", "Hello, who are you?");
    // The host says beforehand what it may cost.
    await page.waitForFunction(() => /\$0\.\d+/.test(document.querySelector(".check-line").textContent));
    const first = await person.ask("Hello, who are you?");
    await person.answered();
    await person.look("run");
    assert.match(await first.locator(".figures").innerText(), /\$0\.\d+/);
    const said = (await first.locator(".answer > .markdown").innerText()).trim();
    assert.ok(said.length > 0, "no text");
    const figures = await first.locator(".figures").innerText();
    const total = await page.innerText(".talk > .total");

    // The conversation is there after a reload, with its figures.
    await page.reload();
    await page.waitForFunction(() => /\$0\.\d+/.test(document.querySelector(".talk > .total")?.textContent));
    assert.equal((await person.last().locator(".answer > .markdown").innerText()).trim(), said);
    assert.equal(await person.last().locator(".figures").innerText(), figures);
    assert.equal(await page.innerText(".talk > .total"), total);
    assert.match(total, person.language === "en" ? /^1 answer, \$/ : /^답변 1개, \$/);

    // Another answer is a branch, and so is one of another model.
    await person.last().locator("footer button").nth(1).click();
    await page.waitForFunction(() => /2 \/ 2/.test(document.querySelector(".branches")?.textContent));
    await person.answered();
    await person.last().locator("footer button").nth(4).click();
    await person.pick("anthropic/claude-haiku-4.5");
    await page.waitForFunction(() => /3 \/ 3/.test(document.querySelector(".branches")?.textContent));
    await person.answered();
    assert.match(await person.last().locator(".figures").innerText(), /claude/);
    await page.locator(".branches button").first().click();
    assert.match(await page.innerText(".branches"), /2 \/ 3/);

    // An edited question is a branch as well.
    await page.locator(".message.user footer button").first().click();
    assert.equal(await page.inputValue(".composer textarea"), "Hello, who are you?");
    await page.fill(".composer textarea", "Hello, and what is your name?");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() =>
      /2 \/ 2/.test(document.querySelector(".message.user .branches")?.textContent),
    );
    await person.answered();
    await page.reload();
    await page.waitForFunction(() =>
      /2 \/ 2/.test(document.querySelector(".message.user .branches")?.textContent),
    );
    await page.waitForSelector(".message.assistant .figures dd");
    assert.match(await page.innerText(".message.user"), /your name/);

    // A stopped answer keeps what came, and goes on.
    await person.choose("openrouter:sandbox/slow");
    await person.ask("Count slowly, please");
    await page.waitForFunction(
      () => [...document.querySelectorAll(".message.assistant .markdown")].at(-1)?.textContent,
    );
    const recorded = person.recorded();
    await page.click(".composer button.danger");
    await person.answered();
    await person.last().locator(".answer-state .notice").waitFor();
    const part = (await person.last().locator(".answer > .markdown").innerText()).trim();
    assert.ok(part.length > 0, "what came is gone");
    await recorded;
    await person.drawn();
    const stopped = await person.last().locator(".figures").innerText();
    await page.reload();
    await page.waitForSelector(".answer-state .notice");
    assert.equal(await person.last().locator(".figures").innerText(), stopped);
    await person.choose("openai/gpt-4o-mini");
    await person.last().locator(".answer-state button").click();
    await page.locator(".message.user").nth(2).waitFor();
    await person.answered();
    await page.waitForFunction(() => !document.querySelector(".answer[aria-busy=true]"));

    // A reload in the middle of an answer keeps its conversation and what came.
    await person.newTalk();
    await person.choose("openrouter:sandbox/slow");
    await person.ask("Count slowly once more");
    await page.waitForFunction(
      () => document.querySelector(".message.assistant .answer > .markdown")?.textContent,
    );
    await page.reload();
    await page.waitForSelector(".message.assistant .answer > .markdown:not(:empty)");
    assert.match(await page.innerText(".message.user"), /Count slowly once more/);

    await page.locator(".run .head button").nth(1).click();
    await page.waitForSelector("dialog .row-button");
    await person.look("conversations");
    await page.locator("dialog .row-button").nth(1).click();
    await page.waitForSelector("dialog", { state: "detached" });
    await page.locator(".run .head button").nth(2).click();
    assert.match(await page.innerText("dialog"), /curl -N[\s\S]*HOST_TOKEN[\s\S]*\.request\(\)/);
    assert.ok(!(await page.innerText("dialog")).includes(person.token), "the token is in the command");
    await page.keyboard.press("Escape");
  },

  async "tools, variables, images and routing go by the node"(person) {
    const { page } = person;
    await person.go("/run");
    await person.newTalk();
    await person.choose("openrouter:openai/gpt-4o-mini");
    await person.unfold(".panel");
    await page.locator(".panel textarea").first().fill("Answer in {{language}}.");
    await page.locator(".panel button", { hasText: /example|예시/ }).click();
    // A variable without a value is asked for before anything is sent.
    await page.fill(".composer textarea", "What is the weather in Seoul?");
    await page.click(".composer button.primary");
    await page.waitForFunction(() => document.activeElement.closest(".variables"));
    await page.fill(".variables input", "Korean");
    const body = await person.sent("/chat", () => page.click(".composer button.primary"));
    assert.deepEqual(body.variables, { language: "Korean" });
    assert.equal(body.node.config.agent_mode, "function_calling");
    const result = page.locator(".call textarea");
    await result.fill('{"sky": "clear"}');
    await person.look("run-tool");
    // A result that was typed is there after a reload.
    await page.reload();
    await result.waitFor();
    assert.equal(await result.inputValue(), '{"sky": "clear"}');
    await page.click(".calls .actions button");
    await page.locator(".message.tool").waitFor();
    await person.answered();
    assert.match(await person.last().innerText(), /clear/);

    // The JSON and the form say the same, and keys that the page does not know stay.
    await person.node((node) => {
      node.config.temperature = 0.3;
      node.config.from_elsewhere = { kept: true };
      delete node.config.function_calling_config;
      node.config.agent_mode = "standard";
      delete node.config.system_prompt;
    });
    const temperature = page.locator(".panel input[type=number]").first();
    assert.equal(await temperature.inputValue(), "0.3");
    // A number between two steps of the arrows is as good, and one beyond the range is not taken.
    await temperature.fill("0.25");
    assert.equal(await temperature.getAttribute("aria-invalid"), "false");
    await temperature.fill("3");
    assert.equal(await temperature.getAttribute("aria-invalid"), "true");
    if (person.language === "ko")
      assert.match(await page.innerText(".panel .problem:not([hidden])"), /[가-힣]/);
    await temperature.fill("0.5");
    const shown = JSON.parse(await page.locator(".panel textarea.mono").last().inputValue());
    assert.equal(shown.config.temperature, 0.5);
    assert.deepEqual(shown.config.from_elsewhere, { kept: true });

    // Only what the model takes is offered, and what is set all the same is marked.
    await page.fill(".composer textarea", "And now?");
    await person.choose("openrouter:openai/gpt-5");
    await page.waitForSelector('.panel input[type=number][aria-invalid="true"]');
    await person.node((node) => delete node.config.temperature);

    // An image that the model does not read is a problem before it is sent.
    await person.newTalk();
    await person.choose("openrouter:meta-llama/llama-3.2-3b-instruct");
    await page.fill(".composer textarea", "What is in it?");
    await page.setInputFiles(".composer input[type=file]", {
      name: "pixel.png",
      mimeType: "image/png",
      buffer: PIXEL,
    });
    await page.waitForSelector(".check-line .notice.warn");
    await person.choose("openrouter:openai/gpt-4o");
    await page.waitForSelector(".check-line .notice.warn", { state: "detached" });
    const asked = await person.sent("/chat", () => page.click(".composer button.primary"));
    assert.deepEqual(
      asked.message.map(({ type }) => type),
      ["text", "image_url"],
    );
    await page.waitForSelector(".message.user img");
    await person.answered();

    // A fallback is asked, and every attempt is told.
    await person.newTalk();
    await person.choose("openrouter:sandbox/upstream-error");
    await person.node(
      (node) => (node.config.x_provider = { fallback: ["openrouter:openai/gpt-4o-mini"], allow_paid: true }),
    );
    await person.ask("Who answers?");
    await person.answered();
    await person.last().locator(".attempts summary").click();
    assert.match(await person.last().locator(".attempts").innerText(), /upstream-error[\s\S]*gpt-4o-mini/);
    await person.look("run-attempts");
    await person.node((node) => delete node.config.x_provider);

    // Thoughts are folded, an image is shown.
    await person.newTalk();
    await person.choose("openrouter:deepseek/deepseek-r1");
    await person.ask("Think about it");
    await person.answered();
    const thinking = person.last().locator(".thinking");
    assert.equal(await thinking.evaluate((one) => one.open), false);
    await person.newTalk();
    await person.choose("openrouter:google/gemini-2.5-flash-image");
    await person.unfold(".panel");
    await page.locator(".panel .fields input[type=checkbox]").first().check();
    await person.ask("Draw a pixel");
    await person.answered();
    await person.last().locator(".media img").waitFor();
    await person.node((node) => delete node.config.x_provider);
  },

  async "a preset of the account is asked, alone and behind a model"(person) {
    const { page } = person;
    await person.go("/run");
    await person.newTalk();
    await person.openNode();
    await person.click(".panel .model-button");
    await page.waitForSelector("dialog .toggles");
    await page.locator("dialog .toggles button").last().click();
    await person.drawn();
    // The sandbox's account has two presets, of which one is disabled.
    assert.deepEqual(await page.locator("dialog .model code").allInnerTexts(), ["@preset/email-copywriter"]);
    await person.look("picker-presets");
    await page.press("dialog input[type=search]", "Enter");
    const alone = await person.sent("/chat", () => person.ask("Write to a customer"));
    assert.equal(alone.node.config.model, "openrouter:@preset/email-copywriter");
    await person.answered();
    assert.match(await person.last().innerText(), /\$0\.\d+/);

    assert.equal(await page.locator(".panel select[name=preset]").count(), 0);
    await person.choose("openrouter:openai/gpt-4o");
    await page.selectOption(".panel select[name=preset]", "@preset/email-copywriter");
    const behind = await person.sent("/chat", () => person.ask("And to another one"));
    assert.equal(behind.node.config.model, "openrouter:openai/gpt-4o@preset/email-copywriter");
    await person.answered();
    assert.match(await person.last().innerText(), /gpt-4o/);
    await person.openNode();
    await page.selectOption(".panel select[name=preset]", "");
    assert.match(await page.innerText(".panel .model-button"), /openai\/gpt-4o(?!@)/);
  },

  async "the code that is shown compiles"(person) {
    const { page } = person;
    await person.go("/run");
    const before = await person.node((node) => {
      node.config = {
        model: "openrouter:openai/gpt-4o",
        system_prompt: 'Answer in "{{language}}".',
        temperature: 1,
        top_p: 0.9,
        max_tokens: 200,
        stop_sequences: ["END"],
        agent_mode: "function_calling",
        function_calling_config: {
          tools: [{ name: "weather", description: "The weather.", parameters: { type: "object" } }],
        },
        x_provider: { request: { seed: 7, reasoning: { effort: "low" } } },
      };
    });
    await page.fill(".variables input", "Korean");
    await page.fill(".composer textarea", "Hello\nthere");
    await page.locator(".run .head button").nth(2).click();
    const shown = await page.locator("dialog pre code").nth(1).textContent();
    const lines = readFileSync(new URL("snippet.rs", import.meta.url), "utf8").split("\n");
    const mark = (name) => lines.findIndex((line) => line.trim() === `// ${name}`);
    const compiled = lines.slice(mark("begin") + 1, mark("end")).map((line) => line.slice(4));
    assert.equal(shown, compiled.join("\n"));
    await page.keyboard.press("Escape");
    await person.node((node) => (node.config = { agent_mode: "standard", model: before.config.model }));
    await page.fill(".composer textarea", "");
  },

  async "failures are told with their next step"(person) {
    const { page } = person;
    await person.go("/providers");
    await page.click("[data-add=openrouter]");
    await person.unfold("dialog");
    const bad = `bad-${person.width}-${person.language}`;
    await page.fill("dialog [name=base_url]", UPSTREAM_URL);
    await page.fill("dialog [name=api_key]", "sk-or-v1-invalid");
    await page.fill("dialog [name=id]", bad);
    await page.click("dialog button[data-save]");
    const card = page.locator(`.card[aria-label="${bad}"]`);
    await card.locator(".notice.bad .next").waitFor();

    await person.go("/run");
    const next = person.last().locator(".notice.bad .next");
    for (const model of [
      "mid-stream-error",
      "reset",
      "rate-limit-free",
      "no-credits",
      "content-filter",
      "stall",
    ]) {
      await person.newTalk();
      await person.choose(`openrouter:sandbox/${model}`);
      await person.ask(`Please fail as ${model}`);
      if (model === "stall") {
        await page.waitForFunction(
          () => document.querySelector(".message.assistant .answer > .markdown")?.textContent,
        );
        await page.keyboard.press("Escape");
      } else {
        await next.waitFor();
        if (person.language === "ko") assert.match(await next.innerText(), /: .*[가-힣]/);
      }
      await person.answered();
      assert.equal(await page.locator(".message.user").count(), 1, "the question is there once");
    }
    await person.newTalk();
    await person.choose(`${bad}:openai/gpt-4o-mini`);
    await person.ask("With a key that is refused");
    await next.waitFor();
    assert.equal(await person.last().locator('.notice.bad a[href="/providers"]').count(), 1);
    await person.look("run-failed");
    // The question is in the store: asked again it stands there once.
    await person.choose("openrouter:openai/gpt-4o-mini");
    await person.last().locator(".notice.bad button").click();
    await page.waitForFunction(() =>
      /2 \/ 2|Served by|응답자/.test(document.querySelector(".log").textContent),
    );
    await person.answered();
    assert.equal(await page.locator(".message.user").count(), 1);
    await person.go("/providers");
    await card.locator("footer button").nth(2).click();
    await page.click("dialog button.danger");
    await card.waitFor({ state: "detached" });

    // A question that cannot be sent is not lost: nor by an error, nor by a reload.
    await person.go("/run");
    await person.newTalk();
    await page.route(/\/chat$/, (route) => route.abort());
    await person.ask("A question without a host");
    await next.waitFor();
    await page.unroute(/\/chat$/);
    await page.reload();
    await page.waitForSelector(".composer");
    assert.equal(await page.inputValue(".composer textarea"), "A question without a host");
    await page.fill(".composer textarea", "");
  },

  async "models are compared"(person) {
    const { page } = person;
    await person.go("/compare");
    await page.waitForSelector(".add");
    while (await page.locator(".chip button").count()) await page.locator(".chip button").first().click();
    await page.click(".add");
    await page.waitForSelector("dialog .model");
    for (const model of ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "openrouter:sandbox/overload"]) {
      await person.pick(model);
    }
    await person.look("picker");
    await page.click("[data-done]");
    await page.locator(".view textarea").first().fill("Compare this");
    await page.locator(".card > .actions button.primary").click();
    await page.locator(".cell .answer[aria-busy=false]").nth(2).waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".figures-table tbody tr").length === 3);
    await page.waitForSelector(".row > .actions:not([hidden]) button");
    await person.look("compare");
    assert.equal(await page.locator(".cell .notice.bad").count(), 1);
    await page.click("[data-sort=cost]");
    assert.match(await page.locator(".figures-table tbody tr").first().innerText(), /gpt-4o-mini/);
    assert.match(await page.locator(".cell h2").first().innerText(), /gpt-4o-mini/);
    for (const format of ["MD", "JSON", "CSV"]) {
      const file = page.waitForEvent("download");
      await page.locator("button", { hasText: new RegExp(`^${format}$`) }).click();
      assert.match(readFileSync(await (await file).path(), "utf8"), /gpt-4o-mini/);
    }
    await page.locator(".row > .actions button").first().click();
    await page.waitForSelector("dialog .diff ins");
    await page.keyboard.press("Escape");
    // It is there after a reload, and in the history.
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll(".cell").length === 3);
    await page.locator(".head button").click();
    await page.locator("dialog .row-button").first().click();
    await page.waitForSelector("dialog", { state: "detached" });
    assert.equal(await page.locator(".cell").count(), 3);
  },

  async "a cell that calls a tool goes on with its result"(person) {
    const { page } = person;
    await person.go("/compare");
    while (await page.locator(".chip button").count()) await page.locator(".chip button").first().click();
    await page.click(".add");
    await page.waitForSelector("dialog .model");
    for (const model of ["openai/gpt-4o-mini", "anthropic/claude-haiku-4.5"]) await person.pick(model);
    await page.click("[data-done]");
    await person.unfold(".view");
    await page.locator(".view .card button", { hasText: /example|예시/ }).click();
    await page.locator(".view textarea").first().fill("What is the weather in Seoul?");
    await page.locator(".card > .actions button.primary").click();
    await page.locator(".cell .answer[aria-busy=false]").nth(1).waitFor();
    const cell = page.locator(".cell").first();
    assert.match(await cell.locator(".call").innerText(), /weather[\s\S]*place/);
    await cell.locator(".call textarea").fill('{"sky": "clear"}');
    await person.look("compare-tool");
    await cell.locator(".calls .actions button").click();
    await cell.locator(".message.tool").waitFor();
    await cell.locator(".answer[aria-busy=false] .figures dd").last().waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".cell:first-of-type .answer").length === 2);
    await cell.locator(".answer[aria-busy=false]").nth(1).waitFor();
    assert.match(await cell.locator(".answer").nth(1).innerText(), /clear/);
    const told = await cell.locator(".answer").nth(1).innerText();

    // It is there after a reload, and a conversation of its own.
    await page.reload();
    await page.waitForFunction(() =>
      /\$0/.test(document.querySelectorAll(".cell:first-of-type .answer")[1]?.textContent),
    );
    assert.equal(await cell.locator(".answer").nth(1).innerText(), told);
    await cell.locator(".stack > .actions button:not([hidden])").click();
    await page.waitForSelector(".message.tool");
    assert.equal(await page.locator(".message.assistant").count(), 2);
    await person.go("/compare");
    await person.unfold(".view");
    await page.locator(".view .group textarea.mono").first().fill("");
  },

  async "costs, budgets and the audit log are shown"(person) {
    const { page } = person;
    await person.go("/costs");
    await page.waitForSelector("table.runs tbody tr");
    await page.waitForSelector(".plot svg rect");
    assert.match(await page.innerText(".spent"), /\$0\.\d+/);
    await page.click(".budgets .head button");
    await page.fill("dialog input[inputmode=decimal]", "much");
    await page.click("dialog button.primary");
    await page.waitForSelector('dialog [aria-invalid="true"]');
    await page.fill("dialog input[inputmode=decimal]", "0.000001");
    await page.click("dialog button.primary");
    await page.waitForSelector("dialog", { state: "detached" });
    await page.waitForSelector(".budgets meter");
    await person.look("costs");

    // A budget that is spent refuses a run, and says where it is raised.
    await person.go("/run");
    await person.newTalk();
    await person.choose("openrouter:openai/gpt-4o");
    await person.ask("Too dear");
    const raise = person.last().locator('.notice.bad a[href="/costs"]');
    await raise.waitFor();
    await person.look("run-budget");
    await raise.click();
    await page.locator(".budgets .card footer button").first().click();
    await page.fill("dialog input[inputmode=decimal]", "25.50");
    await page.click("dialog button.primary");
    await page.waitForSelector("dialog", { state: "detached" });
    await page.waitForFunction(() => /\$25\.50/.test(document.querySelector(".budgets .card").textContent));
    await person.go("/run");
    await person.last().locator(".notice.bad button").click();
    await page.waitForSelector(".message.assistant .figures dd");
    await person.answered();

    await person.go("/costs");
    await page.waitForSelector("table.runs tbody tr");
    await page.selectOption(".search-row select >> nth=1", "true");
    await page.waitForFunction(() => {
      const rows = [...document.querySelectorAll("table.runs tbody tr")];
      return rows.length && rows.every((row) => row.querySelector(".badge.bad"));
    });
    await page.selectOption(".search-row select >> nth=1", "");
    await page.selectOption("select.span", "1");
    await page.waitForFunction(() => document.querySelector("table.runs .badge.good"));
    await page.locator("table.runs button.link").first().click();
    await page.waitForSelector("dialog dl");
    await person.look("run-details");
    await page.keyboard.press("Escape");
    await page.locator("section:last-of-type summary").click();
    await page.waitForSelector("section:last-of-type tbody tr");
    await page.locator(".budgets .card button.danger").first().click();
    await page.waitForSelector(".budgets .empty");
  },

  async "a token is made, shown once, and its end asks to sign in again"(person) {
    const { page } = person;
    await person.go("/tokens");
    await page.waitForSelector("table");
    await person.look("tokens", { isNew: true });
    await page.locator(".head button").click();
    await page.locator("dialog input").first().fill(`page ${person.width} ${person.language}`);
    await page.click("dialog button.primary");
    await page.waitForSelector("dialog .secret");
    const text = await page.innerText("dialog .secret");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    assert.ok(!(await page.content()).includes(text), "the token is still in the page");

    await person.go("/run");
    await person.newTalk();
    await person.choose("openrouter:openai/gpt-4o-mini");
    await page.evaluate(() => {
      const all = JSON.parse(sessionStorage.getItem("host.sessions"));
      sessionStorage.setItem(
        "host.sessions",
        JSON.stringify(all.map((one) => ({ ...one, token: "wst_ended" }))),
      );
    });
    await person.ask("Kept over the end of a token");
    await page.waitForSelector("dialog[data-sign-in]");
    await person.look("sign-in-again");
    await page.fill("dialog input[name=token]", person.token);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog", { state: "detached" });
    await person.last().locator(".notice.bad button").click();
    await page.waitForSelector(".message.assistant .figures dd");
    assert.equal(await page.locator(".message.user").count(), 1);
  },

  async "everything is reached by the keyboard"(person) {
    const { page } = person;
    await page.goto(`${HOST_URL}/providers`);
    await page.waitForSelector("[data-add]");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    // A dialog takes the focus, keeps it, and gives it back.
    await page.focus("[data-add=openrouter]");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog");
    for (let steps = 0; steps < 25; steps += 1) {
      await page.keyboard.press("Tab");
      const inside = await page.evaluate(() => {
        const at = document.activeElement;
        return at === document.body || Boolean(at.closest("dialog"));
      });
      assert.ok(inside, "the focus has left the dialog");
    }
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement.dataset.add), "openrouter");

    // A question from beginning to end, without a pointer.
    await page.focus('nav a[href="/run"]');
    await page.keyboard.press("Enter");
    await page.waitForSelector(".composer");
    await person.openNode();
    await page.focus(".panel .model-button");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog .model");
    await page.keyboard.type("gpt-4o-mini");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog", { state: "detached" });
    // An id that no catalogue lists is a row like the others; Escape closes and changes nothing.
    const chosen = () => page.innerText(".panel .model-button");
    await page.focus(".panel .model-button");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog .model");
    await page.keyboard.type("openai/gpt-4o-mini:nitro");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog", { state: "detached" });
    assert.match(await chosen(), /openrouter:openai\/gpt-4o-mini:nitro/);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog .model");
    await page.keyboard.type("claude");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog", { state: "detached" });
    assert.match(await chosen(), /openrouter:openai\/gpt-4o-mini:nitro/);
    assert.match(await page.evaluate(() => document.activeElement.className), /model-button/);
    await page.focus(".composer textarea");
    await page.keyboard.type("By the keyboard");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /By the keyboard/.test(document.querySelector(".log").textContent));
    await person.answered();
    await page.waitForFunction(() => document.querySelector("#announcer").textContent.length > 10);
  },
};

const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
let failed = 0;

/** Lets a person do something in a browser of their own, and counts what went wrong. */
async function walks({ width, language, token }, steps) {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    locale: language === "ko" ? "ko-KR" : "en-US",
    colorScheme: language === "ko" ? "dark" : "light",
    reducedMotion: "reduce",
  });
  await context.addInitScript(() => {
    globalThis.shift = 0;
    new PerformanceObserver((list) => {
      for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.shift += one.value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  const person = new Person(await context.newPage(), { language, width, token });
  let step = "";
  try {
    for (const [name, walk] of Object.entries(steps)) {
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

const isWanted = ([name]) => !ONLY || name.includes(ONLY) || name === "a person signs in";
const steps = Object.fromEntries(Object.entries(STEPS).filter(isWanted));
const tokens = OWNER_TOKENS.split(",");
const people = [1280, 360].flatMap((width) => ["en", "ko"].map((language) => ({ width, language })));
const jobs = people.map((one, at) => () => walks({ ...one, token: tokens[at] }, steps));

const english = { width: 1280, language: "en" };
if (!ONLY || "newcomer".includes(ONLY)) {
  const newcomer = {
    async "a newcomer adds a provider, runs, compares and finds the cost in few clicks"(person) {
      const { page } = person;
      await person.signIn(FRESH_TOKEN);
      await person.go("/run");
      await person.click('.log .empty a[href="/providers"]');
      await person.click("[data-add=openrouter]");
      await page.fill("dialog [name=api_key]", "sk-or-v1-newcomer");
      // A newcomer has the public address; the test has the sandbox's.
      await person.unfold("dialog");
      await page.fill("dialog [name=base_url]", UPSTREAM_URL);
      await person.click("dialog button[data-save]");
      await person.click('.notice.good a[href="/run"]');
      await person.click(".model-button");
      await person.pick("gpt-4o-mini");
      await person.ask("Hello");
      await person.answered();
      assert.match(await person.last().innerText(), /\$0\.\d+/);
      await person.go("/compare");
      await person.click(".add");
      await page.waitForSelector("dialog .model");
      await person.pick("gpt-4o-mini");
      await person.pick("claude haiku");
      await person.click("[data-done]");
      await page.locator(".view textarea").first().fill("Hello");
      await person.click(".card > .actions button.primary");
      await page.waitForSelector(".figures-table .best");
      await person.go("/costs");
      await page.waitForFunction(() => /\$0\.\d+/.test(document.querySelector(".spent")?.textContent));
      assert.ok(person.clicks <= 15, `${person.clicks} clicks`);
    },
  };
  jobs.push(() => walks(english, newcomer));
}

if (!ONLY || "stopped".includes(ONLY)) {
  const stopped = {
    async "a host that is stopped in the middle leaves what came"(person) {
      const { page } = person;
      await person.signIn(STOPPED_TOKEN, STOPPED_URL);
      await person.go("/run");
      await person.choose("openrouter:sandbox/stall");
      await person.ask("Begin, and then the host goes away");
      await page.waitForFunction(
        () => document.querySelector(".message.assistant .answer > .markdown")?.textContent,
      );
      console.log("stop");
      await person.last().locator(".notice.bad .next").waitFor();
      await person.answered();
      const came = (await person.last().locator(".answer > .markdown").innerText()).trim();
      assert.ok(came.length > 0, "what came is gone");
      // The page goes on: another question says that the host is away, and keeps it.
      await page.fill(".composer textarea", "Is anybody there?");
      await page.waitForTimeout(1500);
      await person.ask("Is anybody there?");
      await page.locator(".message.assistant .notice.bad").nth(1).waitFor();
      assert.match(await person.last().innerText(), /cannot be reached/);
    },
  };
  jobs.push(() => walks(english, stopped));
}

// Walks go side by side, one for each core.
const waiting = jobs.values();
const lane = async () => {
  for (const job of waiting) await job();
};
await Promise.all(Array.from({ length: availableParallelism() }, lane));

// A viewer sees the runs of the first walk.
if (!ONLY || "viewer".includes(ONLY)) {
  await walks(english, {
    async "a viewer is not offered what the role may not do, and is refused all the same"(person) {
      const { page } = person;
      await person.signIn(VIEWER_TOKEN);
      await page.waitForSelector(".card");
      const offered = await page.locator("nav a").evaluateAll((all) => all.map((one) => one.pathname));
      assert.deepEqual(offered, ["/providers", "/models", "/costs"]);
      assert.equal(await page.locator("[data-add], [data-test], .danger").count(), 0);
      await page.goto(`${HOST_URL}/run`);
      await page.waitForSelector(".card");
      assert.equal(page.url(), `${HOST_URL}/providers`);
      await person.go("/models");
      await page.waitForSelector(".model");
      assert.ok(await page.locator(".model input[role=switch]").first().isDisabled());
      await person.go("/costs");
      await page.waitForSelector("table.runs button.link");
      assert.equal(await page.locator(".budgets button").count(), 0);
      await page.locator("table.runs button.link").first().click();
      await page.waitForSelector("dialog dl");
      const status = await page.evaluate(async (token) => {
        const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
        const answer = await fetch("/api/v1/workspaces/walk-0/chat", { method: "POST", headers, body: "{}" });
        return answer.status;
      }, VIEWER_TOKEN);
      assert.equal(status, 403);
    },
  });
}

await browser.close();
process.exitCode = failed ? 1 : 0;
