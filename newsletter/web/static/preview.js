// newsletter, the desk: <form data-auto> shows the mail in its frame as soon as something is chosen, and anew
// when the edition's version has changed. Without it there is its button.
const form = document.querySelector('form[data-auto]')
const version = () => document.getElementById('edition')?.dataset.version

if (form) {
  const REST = 400
  let timer, shown = version()
  const show = (rest = 0) => {
    clearTimeout(timer)
    timer = setTimeout(() => { shown = version(); form.requestSubmit() }, rest)
  }
  form.addEventListener('change', event => { if (event.target.name !== 'width') show() })
  document.addEventListener('put', () => { if (version() !== shown) show(REST) })
}
