// Keeps the sentence that the session has ended as long as that is so: what is answered again takes it away.

const place = document.getElementById("signed-out");

// Shows what an answer of 401 says, `text`, as htmx would; any other status shows that somebody is signed in.
export function tellSignedOut(status, text) {
  if (status !== 401) return place.replaceChildren();
  const said = new DOMParser().parseFromString(text, "text/html").querySelector(".notice");
  if (said) place.replaceChildren(document.importNode(said, true));
}

document.addEventListener("htmx:after:request", ({ detail }) => {
  if (detail.ctx.response.status !== 401) place.replaceChildren();
});
