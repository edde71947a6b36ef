"""What new widgets tell the page in a block: one message that holds all of theirs, in order, with their arrays."""

import comm
import ipywidgets as widgets
import pytest
from ipykernel.comm.comm import BaseComm
from ipykernel.kernelbase import Kernel

from workbench.views.page_comm import TOGETHER, use_page_comms
from workbench.views.widgets import together as module
from workbench.views.widgets.together import together


@pytest.fixture
def sent(monkeypatch):
    """What goes to the page: kind, number of the comm, data, buffers."""
    messages = []

    def publish(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        messages.append((msg_type, self.comm_id, data, buffers or []))

    monkeypatch.setattr(Kernel, "instance", lambda: "the kernel")
    monkeypatch.setattr(comm, "create_comm", comm.create_comm)
    monkeypatch.setattr(module._Line, "send", None)
    monkeypatch.setattr(BaseComm, "publish_msg", publish)
    return messages


def test_new_widgets_are_one_message_and_say_the_same_as_alone(sent):
    use_page_comms()
    with together():
        text = widgets.HTML("before")
        with together():
            picture = widgets.Image(value=b"1234")
        text.value = "after"
        assert not sent
    [(kind, number, data, buffers)] = sent
    assert (kind, number) == ("comm_msg", TOGETHER)
    told = data["messages"]
    assert [(kind, content["comm_id"]) for kind, content, _, _ in told if kind == "comm_msg"] == [
        ("comm_msg", text.model_id)
    ]
    opened = {content["comm_id"]: content["data"]["state"] for kind, content, _, _ in told if kind == "comm_open"}
    assert set(opened) == {
        widget.model_id for one in (text, picture) for widget in (one, one.layout, getattr(one, "style", one))
    }
    assert opened[text.model_id]["value"] == "before"
    assert told[-1][1]["data"]["state"] == {"value": "after"}
    assert sum(count for _, _, _, count in told) == len(buffers) == 1
    assert bytes(buffers[0]) == b"1234"
    assert all("version" in metadata for kind, _, metadata, _ in told if kind == "comm_open")


def test_after_a_block_and_after_an_error_in_one_messages_go_at_once(sent):
    use_page_comms()
    with pytest.raises(ZeroDivisionError), together():
        text = widgets.HTML()
        raise ZeroDivisionError
    assert [number for _, number, _, _ in sent] == [TOGETHER]
    text.value = "now"
    assert sent[-1][:3] == (
        "comm_msg",
        text.model_id,
        {"method": "update", "state": {"value": "now"}, "buffer_paths": []},
    )


def test_in_a_notebook_each_widget_has_its_own_messages(sent):
    with together():
        text = widgets.HTML()
    assert TOGETHER not in {number for _, number, _, _ in sent}
    assert text.comm is not None
