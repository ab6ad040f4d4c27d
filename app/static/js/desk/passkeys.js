// Forms that a passkey fills in: asks the server for a challenge, the browser for an answer, and sends that as any form.
// Without this file, or without passkeys in the browser, they stay hidden, and a sentence says why.

const decoded = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const encoded = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function askServer(form) {
  const answer = await fetch(form.dataset.challenge, { method: "POST", body: new URLSearchParams() });
  if (answer.redirected) window.location.assign(answer.url);
  if (!answer.ok) throw new Error(`no challenge: ${answer.status}`);
  const options = await answer.json();
  const known = (list) => (list || []).map((each) => ({ ...each, id: decoded(each.id) }));
  return {
    ...options,
    challenge: decoded(options.challenge),
    ...(options.user && { user: { ...options.user, id: decoded(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: known(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: known(options.allowCredentials) }),
  };
}

function written(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const given = parts.filter((name) => response[name]).map((name) => [name, encoded(response[name])]);
  return JSON.stringify({
    id: credential.id,
    rawId: encoded(credential.rawId),
    type: credential.type,
    response: Object.fromEntries(given),
  });
}

async function fillIn(form, problem) {
  problem.hidden = true;
  try {
    const publicKey = await askServer(form);
    const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
    form.elements.answer.value = written(credential);
    form.submit();
  } catch {
    problem.hidden = false;
  }
}

if (window.PublicKeyCredential) {
  for (const hint of document.querySelectorAll("[data-no-passkey]")) hint.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const problem = form.querySelector("[data-passkey-problem]");
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      fillIn(form, problem);
    });
  }
}
