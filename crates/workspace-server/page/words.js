// The host's sentences in the language of the page. The host writes English, which the page shows as it is.

import { filled, has, language, t } from "./texts.js";

/** The sentences of the host, and the Korean ones. A named group fills the place of that name. */
const KOREAN = [
  // Problems of settings.
  [/^(missing\b|must be set|is missing|must not be empty|has no value)/, "필수 항목입니다."],
  [/^is no (http or https )?URL.*; write something like (?<example>\S+)/, "URL이 아닙니다. 예: {example}"],
  [
    /^has white space or a control character.*something like (?<example>\S+)/,
    "공백이나 제어 문자가 있습니다. 예: {example}",
  ],
  [/^has a user name or password in it/, "사용자 이름이나 비밀번호가 들어 있습니다. 빼고 입력하세요."],
  [/^must be one of: (?<list>.+)/, "다음 중 하나여야 합니다: {list}"],
  [/^must be true or false/, "true나 false여야 합니다."],
  [/^must be a whole number, such as (?<example>\S+)/, "정수여야 합니다. 예: {example}"],
  [/^must be a number, such as (?<example>\S+)/, "숫자여야 합니다. 예: {example}"],
  [
    /^must be a number of seconds above 0, such as (?<example>\S+)/,
    "0보다 큰 초 단위 숫자여야 합니다. 예: {example}",
  ],
  [/^is no JSON: (?<cause>.+)/, "JSON이 아닙니다: {cause}"],
  [
    /^must be names with commas between them, such as (?<example>.+)/,
    "쉼표로 나눈 이름이어야 합니다. 예: {example}",
  ],
  [/^must have no other names than these: (?<list>.+)/, "다음 이름만 쓸 수 있습니다: {list}"],
  [/^begins with its own name/, "앞에 이름이 붙어 있습니다. 값만 입력하세요."],
  [/^is in quotation marks/, "따옴표로 둘러싸여 있습니다. 따옴표를 빼세요."],
  [/^is the name of a variable/, "변수 이름입니다. 값을 직접 입력하세요."],
  [/^has a character that no header can carry/, "헤더에 넣을 수 없는 문자가 있습니다."],
  [/^no such setting/, "없는 설정입니다."],
  [/^is a mask and no secret/, "가려진 값입니다. 저장된 키를 유지하려면 비워 두세요."],
  [/^has 1 to 64 lower-case letters/, "소문자, 숫자, _, -로 1~64자여야 합니다."],
  // Ranges.
  [/must be from (?<least>\S+) to (?<most>\S+)/, "{least}에서 {most} 사이여야 합니다."],
  [
    /must (be|have) at least (?<least>[\d.-]+)|must (be|have) (?<same>[\d.]+) .*at least/,
    "{least} 이상이어야 합니다.",
  ],
  [/must be at most (?<most>[\d.-]+)/, "{most} 이하여야 합니다."],
  [/^is no amount in US dollars/, "달러 금액이 아닙니다. 예: 2.50"],
  [/^was changed by somebody else/, "그사이 다른 사람이 변경했습니다."],
  [/^cannot be read: (?<cause>.+)/, "읽을 수 없습니다: {cause}"],
  // A request and its model.
  [
    /^(?<model>\S+) does not list tool calling/,
    "{model}은(는) 도구를 쓰지 못합니다. 도구를 빼거나 다른 모델을 고르세요.",
  ],
  [
    /^(?<model>\S+) does not list JSON/,
    "{model}은(는) 이 JSON 형식으로 답하지 못합니다. 다른 모델을 고르세요.",
  ],
  [
    /^(?<model>\S+) does not think/,
    "{model}은(는) 추론하지 않습니다. 추론 강도를 빼거나 다른 모델을 고르세요.",
  ],
  [/^(?<model>\S+) always thinks/, "{model}은(는) 항상 추론합니다. 추론 강도를 낮게 고르세요."],
  [
    /^(?<model>\S+) does not list this effort; use one of: (?<list>.+)/,
    "{model}의 추론 강도는 다음 중 하나입니다: {list}",
  ],
  [/^(?<model>\S+) takes no effort/, "{model}은(는) 추론 강도를 받지 않습니다. 빼고 보내세요."],
  [
    /^(?<model>\S+) (answers with|allows one request) at most (?<most>\d+) tokens/,
    "{model}은(는) 최대 {most} 토큰까지 답합니다. 최대 토큰을 줄이세요.",
  ],
  [
    /^(?<model>\S+) has room for prompt and answer together of (?<most>\d+)/,
    "{model}은(는) 입력과 출력을 합쳐 {most} 토큰까지 받습니다.",
  ],
  [
    /^(?<model>\S+) does not read (?<kind>\w+) \(it reads: (?<list>[^)]*)\)/,
    "{model}은(는) {kind} 입력을 읽지 못합니다(가능: {list}). 빼거나 다른 모델을 고르세요.",
  ],
  [
    /^(?<model>\S+) does not answer with (?<kind>\w+) \(.*: (?<list>[^)]*)\)/,
    "{model}은(는) {kind}(으)로 답하지 못합니다(가능: {list}). 다른 모델을 고르세요.",
  ],
  [/^(?<model>\S+) can only be asked in batches/, "{model}은(는) 배치로만 쓸 수 있습니다."],
  // Errors.
  [
    /^the budget of the (?<scope>.+?) \((?<limit>.+?) a (?<period>\w+)\) has (?<left>.+?) left, and the call needs (?<asked>[^;]+)/,
    "{scope} 예산({limit}, {period})이 {left} 남았고 이 호출에는 {asked}이(가) 필요합니다.",
  ],
  [
    /^the workspace has not enabled the model "(?<model>.+)" of "(?<provider>.+)"/,
    "이 워크스페이스에서는 {provider}의 {model} 모델을 쓰도록 설정되지 않았습니다.",
  ],
  [
    /no provider of this workspace has the model "(?<model>[^"]+)"/,
    "이 워크스페이스의 제공자 중에 {model} 모델이 있는 곳이 없습니다.",
  ],
  [/^there is no \w+ "(?<id>[^"]+)"/, "{id}을(를) 찾을 수 없습니다."],
  [/^a valid token is needed/, "유효한 토큰이 필요합니다."],
  [
    /^the provider has not answered within (?<seconds>\d+) s/,
    "제공자가 {seconds}초 안에 응답하지 않았습니다.",
  ],
  [/^the host is stopping/, "호스트가 종료되는 중입니다."],
];

/** A sentence of the host in the language of the page; `null` if the table does not know it. */
export function inOwnWords(sentence) {
  if (language() === "en") return sentence;
  for (const [pattern, text] of KOREAN) {
    const found = String(sentence).match(pattern);
    if (!found) continue;
    const { same, ...values } = { ...found.groups };
    if (same) values.least = same;
    // A scope and a period are words of the host as well.
    for (const name of ["scope", "period"])
      if (has(`${name}.${values[name]}`)) values[name] = t(`${name}.${values[name]}`);
    return filled(text, values);
  }
  return null;
}

/** The problem of a number as it is typed, or `null`. A step below one is for the arrows alone. */
export function numberProblem({ value, validity, min, max, step }) {
  if (validity.badInput) return t("problem.number", { example: "2.5" });
  if (value === "") return null;
  if (validity.rangeUnderflow || validity.rangeOverflow) {
    if (min !== "" && max !== "") return t("problem.range", { least: min, most: max });
    return validity.rangeUnderflow ? t("problem.least", { least: min }) : t("problem.most", { most: max });
  }
  return validity.stepMismatch && Number(step) >= 1 ? t("problem.whole", { example: "3" }) : null;
}

/** The problem of a text that should be JSON, from the error of reading it. */
export const jsonProblem = (error) =>
  error instanceof SyntaxError ? t("problem.json", { cause: error.message }) : error.message;

/** A problem of a field in the language of the page, or as the host writes it. */
export const problemText = (problem) => inOwnWords(problem) ?? problem;
