// Totals change as events arrive: one stream, no polling, nothing from outside.
const locale = document.body.dataset.locale;
const write = new Intl.NumberFormat(locale);
const stream = new EventSource(document.body.dataset.live);
stream.addEventListener("totals", (event) => {
  const totals = JSON.parse(event.data);
  for (const place of document.querySelectorAll("[data-measure]")) {
    place.textContent = write.format(totals[place.dataset.measure] ?? 0);
  }
});
stream.addEventListener("closed", () => location.reload());
