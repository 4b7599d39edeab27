"""The Space: everything it does is in the distrust-hub package."""

from distrust_hub.app.conversation import ChatService
from distrust_hub.app.ui import build_app, launch_app

demo = build_app(ChatService())

if __name__ == "__main__":
    launch_app(demo)
