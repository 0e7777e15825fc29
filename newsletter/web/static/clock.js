// newsletter, the desk: <time data-until="epoch"> counts down by the server's clock, not the laptop's.
const root = document.documentElement
const skew = Number(root.dataset.now) * 1000 - Date.now()
const DAY = 86_400
const two = number => String(number).padStart(2, '0')

function left(seconds) {
  if (seconds >= 2 * DAY) return `${Math.floor(seconds / DAY)} days`
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
}

function tick() {
  for (const place of document.querySelectorAll('[data-until]')) {
    const seconds = Math.round(Number(place.dataset.until) - (Date.now() + skew) / 1000)
    place.textContent = seconds > 0 ? left(seconds) : place.dataset.over || left(0)
  }
}

tick()
setInterval(tick, 1000)
