// A sign-up form that answers in its place. Without this file the form works, and leads to our page.
for (const form of document.querySelectorAll("form[data-newsletter-box]")) {
  const say = form.querySelector("[role=status]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    const words = button.textContent;
    button.disabled = true;
    button.textContent = form.dataset.sending;
    let said = form.dataset.failed;
    const body = new URLSearchParams(new FormData(form));
    body.set("page", location.origin + location.pathname);
    try {
      const answer = await fetch(form.action, { method: "POST", body, credentials: "omit" });
      if (answer.ok) {
        said = form.dataset.done;
        form.reset();
      } else if (answer.status === 422) {
        said = form.dataset.mistyped;
      }
    } catch {
      // no network: what `failed` says holds
    }
    button.disabled = false;
    button.textContent = words;
    say.textContent = said;
  });
}
