// newsletter, the desk: data-meter="45 65" on a field: how much of a line an inbox shows, counted as people
// see letters. It warns and never blocks. Its <meter> has the field's id and -meter, its words follow it; what
// data-shows names the field shows it as an inbox does, while it is written.
const segmenter = new Intl.Segmenter()
const WORDS = {short: 'short: an inbox fills it up', good: 'good', long: 'long: a phone cuts it', over: 'too long: most inboxes cut it'}

export function show(field) {
  const [good, most] = field.dataset.meter.split(' ').map(Number)
  const least = Number(field.dataset.meterLeast || 0)
  const count = [...segmenter.segment(field.value)].length
  const meter = document.getElementById(`${field.id}-meter`)
  const state = count > most ? 'over' : count > good ? 'long' : count < least ? 'short' : 'good'
  meter.value = Math.min(count, most)
  meter.dataset.state = state
  meter.nextElementSibling.textContent = `${count}/${most} ${WORDS[state]}`
  for (const place of document.querySelectorAll(`[data-shows="${field.id}"]`)) place.textContent = field.value || '…'
}

const showAll = () => document.querySelectorAll('[data-meter]').forEach(show)
addEventListener('input', event => { if (event.target.dataset?.meter) show(event.target) })
document.addEventListener('put', showAll)
showAll()
