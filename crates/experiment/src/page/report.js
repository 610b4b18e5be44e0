// Every figure of a report comes to life.
for (const figure of document.querySelectorAll("figure")) {
  hadaflow.enliven(figure, JSON.parse(figure.querySelector("script").textContent));
}
