// Saves parts of a draft, one after another, and keeps what the page knows of its revision; the server says the words.

const saved = document.getElementById("saved");
let last = Promise.resolve();

// Sends `fields` once what was sent before is answered. Resolves to the status of the answer, or 0 without one.
export function save(address, fields) {
  last = last.then(() => send(address, fields()), () => send(address, fields()));
  return last;
}

export function revision() {
  return saved.querySelector("[data-revision]")?.dataset.revision ?? document.querySelector("[name=revision]").value;
}

export function showAll() {
  for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
}

async function send(address, fields) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "POST", body: new URLSearchParams(fields), headers: { "HX-Request": "true" }, keepalive: true,
    });
  } catch {
    return 0;
  }
  if (answer.status === 401) location.assign(answer.headers.get("HX-Redirect"));
  if (![200, 409, 422].includes(answer.status)) return answer.status;
  const text = await answer.text();
  const line = new DOMParser().parseFromString(text, "text/html").querySelector(".saved");
  if (line) take(line);
  return answer.status;
}

function take(line) {
  const { revision: number, undo, redo } = line.dataset;
  if (number !== undefined) {
    for (const field of document.querySelectorAll("[name=revision]")) field.value = number;
    for (const [way, is] of Object.entries({ undo, redo })) {
      const button = document.querySelector(`[data-way="${way}"]`);
      if (button) button.disabled = is !== "1";
    }
  }
  saved.replaceChildren(document.importNode(line, true));
}
