from isthmus.report.html import Html, figure, h, page, section, table

NASTY = '<img src=x onerror="alert(1)">&'


def test_everything_that_is_not_html_is_escaped():
    made = page(NASTY, NASTY, section(NASTY, h("p", NASTY), table([NASTY], [[NASTY]], NASTY)))
    assert "<img" not in made
    assert made.count("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;") == 8  # title, h1, lead, ...


def test_html_is_left_as_it_is():
    assert h("p", h("b", "<")) == "<p><b>&lt;</b></p>"
    assert "<svg></svg>" in figure(Html("<svg></svg>"), "words")


def test_columns_of_numbers_are_set_to_the_right_and_others_are_not():
    made = table(["a", "b", "c"], [["1,200", "x", "12 %"], ["-3.5", "1", 4]])
    assert made.count('class="number"') == 6
    assert "<td>x</td>" in made
    assert "<td>1</td>" in made


def test_attributes_that_are_none_are_left_out():
    assert h("td", 1, class_=None, data_row=2) == '<td data-row="2">1</td>'
