// Saves parts of drafts, those of one draft one after another; the server says the words.
// A form says by `data-draft` which draft it is of; where that stands is the element with `data-state`.
import { tellSignedOut } from "./signed-out.js";

const CLICKS_APART_MS = 3000;
const last = new Map(), first = new Map(), following = new Map(), contested = new Map();
const ready = new Set(), pressed = new Set();
const stateOf = (draft) => document.querySelector(`[data-state="${draft}"]`);

// Sends `fields` of a form once what was sent before of its draft is answered, if there are any. Resolves to the status
// of the answer, or 0 without one, and to the revision at which the server has what was sent, as far as it was `taken`:
// others may have changed the rest, also what was sent as it was seen. What `isLost` will never be saved, what
// `isUnanswered` may be in a while.
export function save(form, fields) {
  const { draft } = form.dataset;
  const sent = Promise.resolve(last.get(draft)).then(() => send(form, fields()));
  last.set(draft, sent);
  return sent;
}

// Has `saveChanged`, which resolves to what `save` does, called before a button of the page loads it anew.
export function saveFirst(form, saveChanged) {
  const { draft } = form.dataset;
  first.set(draft, [...(first.get(draft) ?? []), saveChanged]);
}

// Has `follow` called with the texts that the server made anew in a save of the draft of a form, and their revision.
// Each form of a draft may follow them: which one has the fields, the page's order does not say.
export function followTexts(form, follow) {
  const { draft } = form.dataset;
  following.set(draft, [...(following.get(draft) ?? []), follow]);
}

export function showAll() {
  for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
}

// What waits is saved before another button of the page loads it anew: what is taken back is then what one sees, and
// nothing that was written is lost. Where it cannot be saved as it is, the page stays, and says why. A second click does
// nothing: what it sent would be of the page as it was before the first.
document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || form.method !== "post" || !form.closest("main") || ready.has(form)) return;
  event.preventDefault();
  if (pressed.has(form)) return;
  pressed.add(form);
  const answers = await Promise.all([...first.values()].flat().map((saveChanged) => saveChanged()));
  answers.push(...await Promise.all(last.values()));
  const stopped = answers.find(({ status, isLost }) => status !== 200 && !isLost);
  if (stopped) {
    pressed.delete(form);
    return document.querySelector(".saved-not")?.scrollIntoView({ block: "nearest" });
  }
  setTimeout(() => submit(form, submitter)); // while the event is under way, the form is not submitted once more
  setTimeout(() => pressed.delete(form), CLICKS_APART_MS); // who stopped the page from loading may press again
});

// What is in the form goes the way of its button: the page that comes back has both versions side by side.
document.addEventListener("click", (event) => {
  const draft = event.target.closest("[data-compare]")?.closest("[data-state]").dataset.state;
  if (contested.has(draft)) submit(contested.get(draft));
});

function submit(form, submitter) {
  ready.add(form);
  form.requestSubmit(submitter);
  ready.delete(form);
}

async function send(form, fields) {
  if (!fields) return { status: 200 };
  let answer, text;
  try {
    answer = await fetch(form.action, {
      method: "POST", body: new URLSearchParams(fields), headers: { "HX-Request": "true" }, keepalive: true,
    });
    text = await answer.text();
  } catch {
    text = "";
  }
  const status = answer?.status ?? 0;
  tellSignedOut(status, text);
  const line = new DOMParser().parseFromString(text, "text/html").querySelector(".saved");
  const state = stateOf(form.dataset.draft);
  if (!line) return tellUnsaved(state, status);
  if (status === 409) contested.set(form.dataset.draft, form);
  show(state, line);
  if (line.dataset.followed) {
    const texts = JSON.parse(line.dataset.followed);
    for (const follow of following.get(form.dataset.draft) ?? []) follow(texts, line.dataset.revision);
  }
  return { status, revision: line.dataset.revision, taken: line.dataset.taken?.split(" ") ?? [] };
}

// Shows that something was not saved, where the answer does not say why.
function tellUnsaved(state, status) {
  const isUnanswered = status === 0 || status >= 500, isLost = !isUnanswered && status !== 401;
  const why = isUnanswered ? "unanswered" : "refused";
  if (status !== 401) {
    const line = state.querySelector(`[data-unsaved=${why}]`).content.cloneNode(true);
    state.querySelector("[data-saved]").replaceChildren(line);
  }
  return { status, isLost, isUnanswered };
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
