// newsletter, the desk: one polite live region for the whole page, which screen readers read out.
const region = () => document.getElementById('say')

export function say(text) {
  region().textContent = ''
  requestAnimationFrame(() => { region().textContent = text })
}
