// Saves parts of a draft, one after another; the server says the words.

const saved = document.getElementById("saved");
let last = Promise.resolve();

// Sends `fields` once what was sent before is answered, if there are any. Resolves to the status of the answer, or 0
// without one, and to the revision at which what was sent is the server's: others may have changed what was not.
export function save(address, fields) {
  last = last.then(() => send(address, fields()));
  return last;
}

export function showAll() {
  for (const each of document.querySelectorAll("[data-scripted]")) each.hidden = false;
}

async function send(address, fields) {
  if (!fields) return { status: 200 };
  let answer, text;
  try {
    answer = await fetch(address, {
      method: "POST", body: new URLSearchParams(fields), headers: { "HX-Request": "true" }, keepalive: true,
    });
    text = await answer.text();
  } catch {
    return { status: 0 };
  }
  if (answer.status === 401) location.assign(answer.headers.get("HX-Redirect"));
  if (![200, 409, 422].includes(answer.status)) return { status: answer.status };
  const line = new DOMParser().parseFromString(text, "text/html").querySelector(".saved");
  if (line) show(line);
  return { status: answer.status, revision: line?.dataset.revision };
}

function show(line) {
  const { revision, undo, redo } = line.dataset;
  if (revision !== undefined) {
    for (const [way, is] of Object.entries({ undo, redo })) {
      const button = document.querySelector(`[data-way="${way}"]`);
      if (button) button.disabled = is !== "1";
    }
  }
  saved.replaceChildren(document.importNode(line, true));
}
