"""Keys of services that are known by how they begin: one line each."""

from __future__ import annotations

import re

_SERVICE_KEYS = (
    r"A(?:KI|SI)A[0-9A-Z]{12,}",  # AWS
    r"gh[pousr]_[A-Za-z0-9]{16,}",  # GitHub
    r"github_pat_\w{20,}",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w-]{10,}",  # GitLab
    r"xox[a-z]-[\w-]{10,}",  # Slack
    r"xapp-\d-[\w-]{10,}",
    r"[srp]k_(?:live|test)_\w{10,}",  # Stripe
    r"whsec_[\w+/=]{10,}",
    r"sk-[A-Za-z0-9][\w-]{19,}",  # OpenAI, Anthropic
    r"AIza[\w-]{30,}",  # Google
    r"GOCSPX-[\w-]{20,}",
    r"ya29\.[\w-]{20,}",
    r"SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
    r"npm_\w{30,}",
    r"pypi-[\w-]{30,}",
    r"hf_\w{20,}",  # Hugging Face
    r"S[KC][0-9a-f]{32}",  # Twilio
    r"key-[0-9a-f]{32}",  # Mailgun
    r"[0-9a-f]{32}-us\d{1,2}",  # Mailchimp
    r"sq0(?:atp|csp|idp)-[\w-]{20,}",  # Square
    r"shp(?:at|ss|ca|pa|tka)_\w{20,}",  # Shopify
    r"do[opr]_v1_[0-9a-f]{20,}",  # DigitalOcean
    r"hv[sbr]\.[\w-]{20,}",  # HashiCorp Vault
    r"gl(?:sa|c)_\w{20,}",  # Grafana
    r"dapi[0-9a-f]{32}",  # Databricks
    r"dckr_(?:pat|oat)_[\w-]{20,}",  # Docker
    r"ATATT3[\w-]{20,}",  # Atlassian
    r"lin_api_\w{20,}",  # Linear
    r"(?:ntn|secret)_\w{40,}",  # Notion
    r"PMAK-[\w-]{20,}",  # Postman
    r"NRAK-\w{20,}",  # New Relic
    r"sntry[su]_[\w-]{20,}",  # Sentry
    r"rubygems_\w{20,}",
    r"figd_[\w-]{20,}",  # Figma
    r"gsk_\w{20,}",  # Groq
    r"xai-\w{20,}",
    r"sbp_\w{20,}",  # Supabase
    r"pscale_(?:tkn|pw|oauth)_[\w-]{20,}",  # PlanetScale
    r"rzp_(?:live|test)_\w{10,}",  # Razorpay
    r"EAACEdEose0cBA\w+",  # Facebook
    r"access_token\$\w+\$\w+\$\w+",  # Braintree
    r"AGE-SECRET-KEY-1\w{20,}",
    r"\d{8,10}:[\w-]{35}",  # Telegram
    r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}",  # Discord
)
SERVICE_KEY = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_SERVICE_KEYS)})")
