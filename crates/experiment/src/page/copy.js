// Buttons that copy the text of their section.
for (const button of document.querySelectorAll(".copy")) {
  const text = button.closest("section").querySelector("pre");
  const word = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      // A page opened from a file may not have the clipboard; a selection can always be copied.
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
    }
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = word; }, 2000);
  });
}
