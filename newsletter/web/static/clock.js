// newsletter, the desk: <time data-until="epoch"> counts down by the server's clock, not the laptop's.
// <time data-here> is in the newsletter's zone; where the laptop has another, its own time stands beside it.
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

function here() {
  for (const place of document.querySelectorAll('[data-here]')) {
    const [day, time] = place.dateTime.split('T'), now = new Date(place.dateTime)
    const clock = `${two(now.getHours())}:${two(now.getMinutes())}`
    const weekday = now.getDate() === Number(day.slice(8)) ? '' : `${now.toLocaleDateString('en', {weekday: 'short'})} `
    if (weekday || clock !== time.slice(0, 5)) place.append(` · ${weekday}${clock} here`)
    delete place.dataset.here
  }
}

tick()
here()
setInterval(tick, 1000)
document.addEventListener('put', () => { tick(); here() })
