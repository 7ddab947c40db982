// The groups of the navigation are open until somebody closes them: typedoc keeps them closed until somebody opens them.
const navigation = document.getElementById('tsd-nav-container');
if (navigation !== null) {
  const open = () => {
    for (const group of navigation.querySelectorAll(':scope > li > details')) {
      const { key } = group.firstElementChild.dataset;
      if (key !== 'Modules' && localStorage.getItem(`tsd-accordion-${key}`) === null) group.open = true;
    }
  };
  new MutationObserver(open).observe(navigation, { childList: true });
  open();
}
