/* Proof of work: while somebody reads and types, look for the number that the form's challenge asks for.

   The challenge is the one of the altcha library, PBKDF2 kind: the key derived from nonce and number must begin with a
   prefix. Browsers derive keys on threads of their own, so the page stays quick. Without script, or without WebCrypto,
   the form goes as it is, and its answer shows the other way. */
"use strict";

(() => {
  const form = document.querySelector("form[data-challenge]");
  if (!form || !window.crypto || !window.crypto.subtle) return;

  const together = 8;
  const status = form.querySelector("[data-proof-status]");
  const challenge = JSON.parse(form.dataset.challenge);
  const asked = challenge.parameters;
  let waiting = null;

  const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

  async function derive(counter) {
    const nonce = bytes(asked.nonce);
    const password = new Uint8Array(nonce.length + 4);
    password.set(nonce);
    new DataView(password.buffer).setUint32(nonce.length, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const work = { name: "PBKDF2", hash: "SHA-256", salt: bytes(asked.salt), iterations: asked.cost };
    return { counter, derivedKey: hex(await crypto.subtle.deriveBits(work, key, asked.keyLength * 8)) };
  }

  async function solve() {
    for (let counter = 0; ; counter += together) {
      const tries = await Promise.all(Array.from({ length: together }, (_, step) => derive(counter + step)));
      const solution = tries.find((each) => each.derivedKey.startsWith(asked.keyPrefix));
      if (solution) return solution;
    }
  }

  // Whoever presses sooner waits for the rest of the work, and is told so.
  form.addEventListener("submit", (event) => {
    if (form.elements.proof.value || waiting === "given up") return;
    event.preventDefault();
    waiting = { submitter: event.submitter };
    status.textContent = status.dataset.working;
  });

  solve()
    .then((solution) => {
      form.elements.proof.value = btoa(JSON.stringify({ challenge, solution }));
      status.textContent = status.dataset.ready;
    })
    .catch(() => {})
    .finally(() => {
      const pressed = waiting;
      if (!form.elements.proof.value) waiting = "given up";
      if (pressed) form.requestSubmit(pressed.submitter);
    });
})();
