// newsletter, the desk: what lies in a closed box, or on a phone behind another tab, is brought to the front.
const tab = place => document.getElementById(place.closest('[data-tab]')?.dataset.tab)

export const isFolded = place => place.closest('details:not([open])') || tab(place)?.checked === false

export function reveal(place) {
  for (let box = place.closest('details'); box; box = box.parentElement.closest('details')) box.open = true
  if (tab(place)) tab(place).checked = true
}
