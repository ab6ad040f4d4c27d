// Keeps what is written in a form and not sent yet in this tab while its page is loaded anew: other buttons of the page
// do that, and what was refused comes back with the page. A form that was sent says so.

for (const form of document.querySelectorAll("form[data-kept]")) {
  const key = `vigie-kept:${location.pathname} ${form.getAttribute("action")}`;
  try {
    const kept = form.dataset.kept === "sent" ? [] : JSON.parse(sessionStorage.getItem(key) ?? "[]");
    for (const [name, value] of kept) {
      const field = form.elements[name];
      if (field) field.value = value;
      if (field?.selectedIndex === -1) field.selectedIndex = 0; // what was chosen is no choice any more
    }
    window.addEventListener("pagehide", () => {
      const isWritten = [...form.querySelectorAll("textarea")].some((field) => field.value.trim());
      if (isWritten) sessionStorage.setItem(key, JSON.stringify([...new FormData(form)]));
      else sessionStorage.removeItem(key);
    });
  } catch {
    // storage may be forbidden
  }
}
