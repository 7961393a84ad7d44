// The gateway changes the headers of an answer, which Node forbids for one that `fetch` gave: a copy of it.
const { fetch } = globalThis;
globalThis.fetch = async (...request) => {
  const answer = await fetch(...request);
  return new Response(answer.body, answer);
};
