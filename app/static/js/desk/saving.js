// Saves parts of drafts, those of one draft one after another; the server says the words.
// A form says by `data-draft` which draft it is of; where that stands is the element with `data-state`.
import { tellSignedOut } from "./signed-out.js";

const last = new Map(), first = new Map(), following = new Map(), contested = new Map();
const stateOf = (draft) => document.querySelector(`[data-state="${draft}"]`);

// Sends `fields` of a form once what was sent before of its draft is answered, if there are any. Resolves to the status
// of the answer, or 0 without one, and to the revision at which the server has what was sent, as far as it was `taken`:
// others may have changed the rest, also what was sent as it was seen.
export function save(form, fields) {
  const { draft } = form.dataset;
  const sent = Promise.resolve(last.get(draft)).then(() => send(form, fields()));
  last.set(draft, sent);
  return sent;
}

// Has `saveChanged`, which resolves to a status, called before something of the draft of a form is taken back.
export function saveFirst(form, saveChanged) {
  const { draft } = form.dataset;
  first.set(draft, [...(first.get(draft) ?? []), saveChanged]);
}

// Has `follow` called with the texts that the server made anew in a save of the draft of a form, and their revision.
export function followTexts(form, follow) {
  following.set(form.dataset.draft, follow);
}

export function showAll() {
  for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
}

// What waits is saved first, so that what is taken back is what one sees. What cannot be saved would be lost.
for (const { form } of document.querySelectorAll("[data-way]")) {
  const { draft } = form.dataset;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const statuses = await Promise.all((first.get(draft) ?? []).map((saveChanged) => saveChanged()));
    statuses.push((await last.get(draft))?.status ?? 200);
    if (statuses.every((status) => status === 200)) form.submit();
  });
}

// What is in the form goes the way of its button: the page that comes back has both versions side by side.
document.addEventListener("click", (event) => {
  const draft = event.target.closest("[data-compare]")?.closest("[data-state]").dataset.state;
  contested.get(draft)?.requestSubmit();
});

async function send(form, fields) {
  if (!fields) return { status: 200 };
  let answer, text;
  try {
    answer = await fetch(form.action, {
      method: "POST", body: new URLSearchParams(fields), headers: { "HX-Request": "true" }, keepalive: true,
    });
    text = await answer.text();
  } catch {
    return { status: 0 };
  }
  tellSignedOut(answer.status, text);
  if (answer.status === 409) contested.set(form.dataset.draft, form);
  if (![200, 409, 422].includes(answer.status)) return { status: answer.status };
  const line = new DOMParser().parseFromString(text, "text/html").querySelector(".saved");
  if (line) show(stateOf(form.dataset.draft), line);
  if (line?.dataset.followed) following.get(form.dataset.draft)?.(JSON.parse(line.dataset.followed), line.dataset.revision);
  return { status: answer.status, revision: line?.dataset.revision, taken: line?.dataset.taken?.split(" ") ?? [] };
}

function show(state, line) {
  const { revision, before, undo, redo, subject } = line.dataset;
  const title = document.querySelector(`[data-titled="${state.dataset.state}"]`);
  if (title && subject) title.textContent = subject;
  if (revision !== undefined) {
    for (const [way, is] of Object.entries({ undo, redo })) {
      const button = state.querySelector(`[data-way="${way}"]`);
      button.disabled = is !== "1";
      // What others did since, this page does not show: the page that comes back from the button tells of it first.
      const seen = button.form.elements.revision;
      if (seen.value === before) seen.value = revision;
    }
  }
  state.querySelector("[data-saved]").replaceChildren(document.importNode(line, true));
}
