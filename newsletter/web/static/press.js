// In the browser that asked, the page of the mailed link presses its own button; a scanner has no such cookie.
document.querySelector("form[data-press]")?.requestSubmit();
